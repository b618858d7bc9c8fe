"""Something to run in processes of its own, and how that ended."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

# A child's reason fits a line of a table.
REASON_LENGTH = 300
# One thread a process: several at a time share the cores better than their threads would. Where a job asks for more
# threads itself, they must not spin while they wait.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}


@dataclass(frozen=True)
class Job:
    """One command in a process of its own."""

    name: str
    """What it is called in tables and messages; no two jobs share one."""
    command: tuple[str, ...]
    """A module and its arguments, as after `python -m`."""
    log: Path
    """The file that takes what it prints; begun anew, and appended to where the job is tried again."""
    progress: Callable[[], Mapping[str, str]] = dict
    """How far it is: columns of a table, such as {"sequences": "1,000"}. Called now and then, so it has to be quick."""
    cpus: int = 1
    """Processors that it takes on a cluster."""
    gpus: int = 0
    """GPUs that it takes there."""

    def __post_init__(self) -> None:
        if not self.command:
            raise ValueError(f"command must be a module and its arguments; got {self.command}")

    def words(self) -> str:
        """How far it is, in a few words."""
        return ", ".join(f"{value} {name}" for name, value in self.progress().items())


class Outcome(NamedTuple):
    """How a job ended."""

    job: Job
    state: Literal["done", "failed"]
    seconds: float
    """That it took, over all attempts."""
    reason: str
    """Why it failed; empty otherwise."""
    attempts: int = 1
    """How often it was started."""


def reason_of(code: int, log: str) -> str:
    """Why a command failed: the last line that it printed."""
    if code < 0:
        return f"killed by signal {-code}"
    last = next((line.strip() for line in reversed(log.split("\n")) if line.strip()), f"exit code {code}")
    return last.removeprefix("neuraltape: ")[:REASON_LENGTH]


def python(command: tuple[str, ...]) -> list[str]:
    """The program that runs a module, and stops it when this process is gone."""
    return [sys.executable, "-m", "neuraltape.study.processes.follow", *command]
