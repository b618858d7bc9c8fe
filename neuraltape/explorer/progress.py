"""How a training goes. Knows no machine."""

import math
from pathlib import Path
from typing import NamedTuple

from neuraltape.runs.metrics import Metrics, read_tail
from neuraltape.tasks.goal import Goal

# Points of the curve that the page draws, and what is read of a long file.
POINTS, TAIL = 200, 4_000_000


class Progress(NamedTuple):
    """A training so far."""

    sequences: int | None
    """Sequences seen."""
    bits: float | None
    """The last score on fresh sequences, in bits a sequence."""
    curve: list[tuple[int, float]]
    """Sequences and score, in order."""
    solved: int | None = None
    """After how many sequences the task was found solved, and that confirmed on more of them; None: not yet."""


def progress(path: Path, goal: Goal | None = None) -> Progress:
    """Read a run's file of metrics. A file that is missing or broken gives what can be read of it.

    Args:
        path: the file.
        goal: what counts as solved; None: nothing does.
    """
    metrics = read_tail(path, TAIL)
    curve = [(int(line["sequences"]), float(line["bits"])) for line in metrics.scores]
    stride = math.ceil(len(curve) / POINTS) or 1
    # From the end, so that the newest is always there.
    thinned = curve[::-1][::stride][::-1]
    return Progress(metrics.sequences, curve[-1][1] if curve else None, thinned, _solved(metrics, goal))


def _solved(metrics: Metrics, goal: Goal | None) -> int | None:
    if goal is None:
        return None
    for line in metrics.confirmations:
        scores = {name: line.get(name) for name in ("excess", "marked")}
        if goal.met(bits=line["bits"], wrong=line.get("wrong", math.inf), **scores):
            return int(line["sequences"])
    return None
