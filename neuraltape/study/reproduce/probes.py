"""What every run is measured on after its training, and what counts as good: the goals behind the results table."""

from dataclasses import dataclass

from neuraltape.tasks import AssociativeRecall, Copy, Goal, NGrams, PrioritySort, RepeatCopy
from neuraltape.tasks.task import Task


@dataclass(frozen=True)
class Probe:
    """Some fresh sequences of a task."""

    length: int | None
    """Of each; None: drawn from the range of training."""
    repeats: int | None = None
    """Repeat copy: how many copies."""
    memory_slots: int | None = None
    """Of the memory; None: as many as in training."""
    sequences: int = 100
    """How many."""
    goal: Goal | None = None
    """What a good machine reaches."""

    def label(self, task: Task) -> str:
        """What the table calls it: "1-20", "20 x 10", "200 (256 slots)"."""
        low, high = (task.shortest, task.longest) if self.length is None else (self.length, self.length)
        text = _range(low, high)
        if isinstance(task, RepeatCopy):
            low, high = (task.min_repeats, task.max_repeats) if self.repeats is None else (self.repeats, self.repeats)
            text += f" x {_range(low, high)}"
        return text if self.memory_slots is None else f"{text} ({self.memory_slots} slots)"

    def task(self, trained: Task) -> Task:
        """The task to draw from."""
        if self.length is None:
            return trained.held_out()
        if isinstance(trained, RepeatCopy):
            return trained.at_length(self.length, self.repeats)
        return trained.at_length(self.length)


# The first of each task is the score: fresh sequences from the range of training. The others lie beyond it.
PROBES: dict[str, tuple[Probe, ...]] = {
    "copy": (
        Probe(None, sequences=1_000, goal=Copy.goal),
        Probe(30),
        Probe(50),
        Probe(120, goal=Goal("wrong", 1)),
        Probe(200, memory_slots=256),
    ),
    "repeat-copy": (
        Probe(None, sequences=1_000, goal=RepeatCopy.goal),
        Probe(20, repeats=10, goal=Goal("wrong", 1)),
        Probe(10, repeats=20, goal=Goal("wrong", 1)),
    ),
    "associative-recall": (
        Probe(None, sequences=1_000, goal=AssociativeRecall.goal),
        Probe(8),
        Probe(10),
        # Almost perfect: one per cent of an answer's 18 bits.
        Probe(12, goal=Goal("wrong", 0.18)),
        Probe(15, goal=Goal("bits", 1)),
        Probe(20),
    ),
    "ngrams": (Probe(None, sequences=1_000, goal=NGrams.goal),),
    "priority-sort": (Probe(None, sequences=1_000, goal=PrioritySort.goal),),
}


def probes_of(task: Task) -> tuple[Probe, ...]:
    """What a task's machines are measured on. Raises ValueError for a task that no result is published of."""
    if task.name not in PROBES:
        raise ValueError(f"task must be one of {', '.join(PROBES)}; got {task.name}")
    return PROBES[task.name]


def labels_of(task: Task) -> tuple[str, ...]:
    """The names of a task's probes, in order."""
    return tuple(probe.label(task) for probe in probes_of(task))


def goal_of(task: str, number: int) -> Goal | None:
    """The goal of a task's probe, by its place in the table."""
    return PROBES[task][number].goal


def _range(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low}-{high}"
