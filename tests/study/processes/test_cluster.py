"""What a task does on its node; that Ray calls it is tested in tests/cluster."""

import os
import pickle
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from neuraltape.study.processes import Job, View, run_on_cluster
from neuraltape.study.processes.cluster import LOG_BYTES, Board, JobFailedError, end_of, run_command, work_off
from tests.study.processes.test_local import CHILD, wait_for


class Call:
    """Like a method of an actor."""

    def __init__(self, method: Any) -> None:
        self.remote = method


class LocalBoard:
    def __init__(self) -> None:
        self.board = Board()
        self.start = Call(self.board.start)


def test_a_task_runs_the_command_and_returns_what_it_prints() -> None:
    board = LocalBoard()
    assert work_off("one", (CHILD, "say", "first"), board) == "first\n"
    assert board.board.starts() == {"one": 1}


def test_a_task_that_fails_gives_its_reason_and_its_log() -> None:
    with pytest.raises(JobFailedError, match="out of luck") as failed:
        work_off("bad", (CHILD, "fail", "out of luck"), LocalBoard())
    # Ray sends it from one process to another.
    error = pickle.loads(pickle.dumps(failed.value))  # noqa: S301
    assert (error.reason, error.log, str(error)) == ("out of luck", "neuraltape: out of luck\n", "out of luck")


def test_an_interrupt_is_handed_on_to_the_command(tmp_path: Path) -> None:
    def interrupt() -> None:
        wait_for(tmp_path / "one")
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with tempfile.TemporaryFile() as log, pytest.raises(KeyboardInterrupt):
        run_command((CHILD, "last", str(tmp_path / "one")), log)
    assert (tmp_path / "one.signal").read_text() == "SIGINT"


def test_only_the_end_of_a_long_log_is_kept() -> None:
    with tempfile.TemporaryFile() as log:
        log.write(b"x" * LOG_BYTES + b"end")
        kept = end_of(log)
    assert len(kept) == LOG_BYTES
    assert kept.endswith("end")


def test_without_ray_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    job = Job("one", (CHILD, "say"), tmp_path / "log")
    with pytest.raises(ValueError, match=r'--cluster needs Ray; get it with: pip install "neuraltape\[cluster\]"'):
        run_on_cluster([job], address="local", view=View("trial", 1))
