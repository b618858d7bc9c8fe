"""What a trained machine is scored on: so many fresh sequences of a task. Knows no machine."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neuraltape.tasks.goal import Goal

if TYPE_CHECKING:
    # A task lists its probes.
    from neuraltape.tasks.task import Task


@dataclass(frozen=True)
class Probe:
    """Some fresh sequences, and what a good machine reaches on them."""

    task: "Task"
    """The sequences are drawn from this task: the one that was learned, mostly at a length beyond its range."""
    goal: Goal | None = None
    """What a good machine reaches; None: the scores speak for themselves."""
    sequences: int = 100
    """The number of sequences."""
    memory_slots: int | None = None
    """The slots of the memory they are run with; None: as many as in training."""

    @property
    def label(self) -> str:
        """What a table calls it: "1-20", "20 x 10", "200 (256 slots)"."""
        return self.task.label if self.memory_slots is None else f"{self.task.label} ({self.memory_slots} slots)"
