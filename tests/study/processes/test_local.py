import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from neuraltape.study.processes import Job, Outcome, View, run_jobs
from neuraltape.study.processes.follow import stop_with_parent
from neuraltape.study.processes.local import Running
from neuraltape.study.processes.view import Table

CHILD = "tests.study.processes.child"


def job(folder: Path, name: str, command: tuple[str, ...]) -> Job:
    return Job(name, (CHILD, *command), folder / f"{name}.log")


def run(*jobs: Job, at_once: int = 2, view: View | None = None) -> dict[str, Outcome]:
    return {each.job.name: each for each in run_jobs(jobs, at_once=at_once, view=view or View("trial", len(jobs)))}


def wait_for(path: Path) -> str:
    """What the file holds, once there is something in it."""
    deadline = time.monotonic() + 30
    while not (path.exists() and path.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    return path.read_text()


def test_what_a_job_prints_is_in_its_log(tmp_path: Path) -> None:
    (tmp_path / "one.log").write_text("of an earlier time")
    outcomes = run(job(tmp_path, "one", ("say", "first")))
    assert outcomes["one"].state == "done"
    assert (tmp_path / "one.log").read_text() == "first\n"


def test_a_failing_job_gives_its_reason_and_stops_no_other(tmp_path: Path) -> None:
    outcomes = run(
        job(tmp_path, "bad", ("fail", "out", "of", "luck")),
        job(tmp_path, "dead", ("die",)),
        job(tmp_path, "good", ("say", "hello")),
        at_once=1,
    )
    assert {name: each.state for name, each in outcomes.items()} == {"bad": "failed", "dead": "failed", "good": "done"}
    assert outcomes["bad"].reason == "out of luck"
    assert outcomes["dead"].reason == "killed by signal 9"


def test_as_many_run_at_a_time_as_allowed(tmp_path: Path) -> None:
    # Each waits for the other.
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    outcomes = run(*(job(tmp_path, name, ("meet", str(meeting), "2")) for name in ("one", "other")), at_once=2)
    assert all(each.state == "done" for each in outcomes.values())


def test_every_process_has_one_thread(tmp_path: Path) -> None:
    run(job(tmp_path, "threads", ("environment", "OMP_NUM_THREADS")))
    assert (tmp_path / "threads.log").read_text() == "1\n"


def test_ctrl_c_interrupts_each_child_once_and_starts_no_other(tmp_path: Path) -> None:
    running = [job(tmp_path, name, ("last", str(tmp_path / name))) for name in ("one", "other")]

    def interrupt() -> None:
        for each in ("one", "other"):
            wait_for(tmp_path / each)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        run(*running, job(tmp_path, "third", ("say", "never")))
    for name in ("one", "other"):
        assert (tmp_path / f"{name}.signal").read_text() == "SIGINT"
    assert not (tmp_path / "third.log").exists()


def test_children_stop_when_the_runner_is_killed(tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
from tests.study.processes.test_local import job, run
run(job(Path({str(tmp_path)!r}), "one", ("last", {str(tmp_path / "one")!r})))
"""
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL) as runner:
        wait_for(tmp_path / "one")
        runner.kill()
    assert wait_for(tmp_path / "one.signal") == "SIGTERM"


def test_plain_lines_say_what_starts_and_what_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(job(tmp_path, "bad", ("fail", "out", "of", "luck")), job(tmp_path, "good", ("say", "hello")), at_once=1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "bad: started"
    assert lines[1].startswith(f"bad: failed: out of luck (see {tmp_path / 'bad.log'}); ")
    assert lines[3].startswith("good: done; ")
    assert lines[3].endswith(" s, 2 of 2 over")


def test_a_job_that_fails_is_tried_again_after_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jobs = (
        job(tmp_path, "late", ("second", str(tmp_path / "been"))),
        job(tmp_path, "bad", ("fail", "always")),
        job(tmp_path, "good", ("say", "hello")),
    )
    ended = run_jobs(jobs, at_once=1, view=View("trial", 3), retries=2)
    assert [(each.job.name, each.state, each.attempts) for each in ended] == [
        ("good", "done", 1),
        ("late", "done", 2),
        ("bad", "failed", 3),
    ]
    # What the attempts printed stands in one log.
    assert (tmp_path / "bad.log").read_text() == "neuraltape: always\n" * 3
    said = capsys.readouterr().err
    assert said.count("bad: failed: always") == 3
    assert said.count("is tried again") == 3
    assert "3 of 3 over" in said


def test_the_table_shows_what_runs_and_how_far_it_is(tmp_path: Path) -> None:
    from rich.console import Console

    view, text = Table("trial", 3), io.StringIO()
    job = Job("one", (CHILD, "say"), tmp_path / "log", lambda: {"sequences": "1,000"})
    view.started(job)
    Console(file=text, width=100).print(view.draw([job], waiting=2))
    for words in ("trial", "one", "sequences", "1,000", "0 done, 1 running, 2 waiting"):
        assert words in text.getvalue()


def test_arguments_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at_once must be at least 1; got 0"):
        run_jobs([], at_once=0, view=View("trial", 0))
    with pytest.raises(ValueError, match="command must be a module and its arguments"):
        Job("none", (), tmp_path / "log")


def test_on_windows_a_job_is_interrupted_by_the_end_of_its_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Running(job(tmp_path, "one", ("last", str(tmp_path / "one"))))
    wait_for(tmp_path / "one")
    monkeypatch.setattr(sys, "platform", "win32")
    running.interrupt()
    running.wait()
    # It asked itself to stop, as a training does that has lost its parent.
    assert wait_for(tmp_path / "one.signal") == "SIGTERM"


def test_on_windows_a_job_asks_itself_in_a_way_that_its_handlers_hear(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "read", lambda *args: b"")
    monkeypatch.setattr(os, "kill", lambda *args: pytest.fail("there it ends the process"))
    try:
        stop_with_parent()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]
