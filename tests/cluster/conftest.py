"""What trials that break things share: outcomes for people to read, and a way to start the program as a user does."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = pytest.StashKey[list[str]]()
Note = Callable[[str], None]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LINES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    terminalreporter.section("what happened")
    for line in config.stash[LINES]:
        terminalreporter.line(line)


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Something that was seen, for the summary."""
    return lambda text: request.config.stash[LINES].append(f"{request.node.name}: {text}")


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", **more}


@contextmanager
def program(log: Path, *command: str, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A program that writes into a log, in a session of its own; it is stopped at the end if it still runs."""
    with (
        log.open("ab") as file,
        subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, env=dict(env or environment()), start_new_session=True
        ) as process,
    ):
        try:
            yield process
        finally:
            # In good order first: torchrun's own processes would outlive it.
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()


def neuraltape(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "neuraltape", *words)


def wait_until(condition: Callable[[], object], *, seconds: float = 400, every: float = 0.05) -> float:
    """Wait for something; returns how long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"this has not happened in {seconds} s"
        time.sleep(every)
    return time.monotonic() - began
