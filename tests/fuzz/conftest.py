"""A folder with a run in it, a program that trains nothing for long, and no network but this computer's own."""

import errno
import io
import shutil
import socket
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from matplotlib.figure import Figure

from neuraltape.cli.main import main
from tests.cli.conftest import TINY
from tests.fuzz.odd import LARGE, LINE, LONG, TooLongError, Watch, at_most, make_odd_files, names_in, peak, spoken
from tests.fuzz.sequences import write

Try = Callable[..., None]
LOCAL = ("127.0.0.1", "::1", "localhost", None)
SMALL = (
    *("--hidden-size", "4", "--memory-slots", "3", "--memory-width", "2", "--batch-size", "4", "--max-sequences", "8"),
    *("--evaluate-every", "8", "--evaluate-sequences", "4"),
)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fuzz") / "tiny"
    assert main(["train", "copy", *TINY, "--checkpoint-every", "0", "--run-dir", str(path)]) == 0
    return path


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine that goes on with bits, one that says classes, and one that has learned a text."""
    folder = tmp_path_factory.mktemp("learned")
    (folder / "good.txt").write_text("to be or not to be\n" * 3)
    text = ("--embedding-size", "3", "--snapshots", "true", "--checkpoint-every", "0")
    assert main(["train", "--data", str(folder / "good.txt"), "--run-dir", str(folder / "text"), *SMALL, *text]) == 0
    for suffix in (".jsonl", ".csv", ".npz"):
        write(Random(1), folder / f"good{suffix}", odd=0.0)
    for name, predicts in (("next", "next"), ("classes", "targets")):
        words = ("train", "--data", str(folder / "good.jsonl"), "--predicts", predicts, "--run-dir", str(folder / name))
        assert main([*words, *SMALL, "--test", str(folder / "good.jsonl")]) == 0
    return folder


@pytest.fixture
def here(tmp_path: Path, trained: Path, learned: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with runs, files and odd files."""
    shutil.copytree(trained, tmp_path / "runs" / "tiny")
    for name in ("next", "classes", "text"):
        shutil.copytree(learned / name, tmp_path / "runs" / name)
    for path in learned.glob("good.*"):
        shutil.copy(path, tmp_path)
    make_odd_files(tmp_path)
    monkeypatch.chdir(tmp_path)

    def look_up(host: Any, *more: Any, **named: Any) -> Any:
        if host in LOCAL:
            return looks_up(host, *more, **named)
        raise socket.gaierror(socket.EAI_AGAIN, "no network")

    def connect(self: socket.socket, address: Any) -> None:
        if self.family == socket.AF_UNIX or address[0] in LOCAL:
            return real(self, address)
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    real, looks_up = socket.socket.connect, socket.getaddrinfo
    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    # Figures are made and not drawn; many trainings are planned and not begun; no page is served.
    monkeypatch.setattr("neuraltape.plotting.save_figure", touch)
    monkeypatch.setattr("neuraltape.study.plan.Plan.run", lambda *a, **k: [])
    monkeypatch.setattr("neuraltape.cli.sweep.run_search", lambda *a, **k: [])
    monkeypatch.setattr("neuraltape.explorer.serve", lambda **k: None)
    return tmp_path


def touch(figure: Figure, path: Path, *, untouched: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.fixture
def attempt(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Try:
    """Call the program, and note what it does that it never should."""

    def run(watch: Watch, *argv: str) -> None:
        before, memory = names_in(here), peak()
        monkeypatch.setattr(sys, "stdin", io.StringIO(spoken(watch.chance)))
        training = argv[:1] in (("train",), ("resume",))
        capsys.readouterr()
        code: object = None
        try:
            with warnings.catch_warnings(), at_most(3, KeyboardInterrupt) if training else at_most(LONG):
                # As for a user; in the tests a warning is an error.
                warnings.simplefilter("default")
                code = main(argv)
        except TooLongError:
            watch.note(f"it took longer than {LONG:g} s", argv)
        except BaseException as error:
            watch.note(f"a traceback, {type(error).__name__}: {error}"[:300], argv)
        said = capsys.readouterr().err.splitlines()
        if code not in (None, 0, 1, 2, 130):
            watch.note(f"exit code {code}", argv)
        if any("Traceback" in line or len(line) > LINE for line in said):
            watch.note(f"a message that is too long, or a traceback: {said}"[:900], argv)
        told = [line for line in said if line.startswith("neuraltape: ") and not line.startswith("neuraltape: note: ")]
        if code == 2 and len(told) != 1:
            watch.note(f"not one line, but {said}"[:600], argv)
        if code == 2 and names_in(here) - before:
            watch.note(f"refused after it had written {sorted(names_in(here) - before)[:5]}, {said}"[:600], argv)
        if peak() - memory > LARGE:
            watch.note(f"it took {(peak() - memory) >> 20} MiB more", argv)

    return run
