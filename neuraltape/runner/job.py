"""Something to run in processes of its own, and how that ended."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

# A child's reason fits a line of a table.
REASON_LENGTH = 300


@dataclass(frozen=True)
class Job:
    """A few commands, one after another, each in a process of its own; the first that fails ends the job."""

    name: str
    """What it is called in tables and messages; no two jobs share one."""
    commands: tuple[tuple[str, ...], ...]
    """Each is a module and its arguments, as after `python -m`."""
    log: Path
    """Takes what the commands print; begun anew."""
    progress: Callable[[], str] = str
    """A few words on how far it is. Called now and then while it runs, so it has to be quick."""

    def __post_init__(self) -> None:
        if not self.commands or not all(self.commands):
            raise ValueError(f"commands must be one or more, each with a module; got {self.commands}")

    def reason(self, code: int) -> str:
        """Why it failed: the last line of its log."""
        if code < 0:
            return f"killed by signal {-code}"
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n") if self.log.exists() else []
        last = next((line.strip() for line in reversed(lines) if line.strip()), f"exit code {code}")
        return last.removeprefix("neuraltape: ")[:REASON_LENGTH]


class Outcome(NamedTuple):
    """How a job ended."""

    job: Job
    state: Literal["done", "failed"]
    seconds: float
    """That it took."""
    reason: str
    """Why it failed; empty otherwise."""


def python(command: tuple[str, ...]) -> list[str]:
    """The program that runs a module, and stops it when this process is gone."""
    return [sys.executable, "-m", "neuraltape.runner.follow", *command]
