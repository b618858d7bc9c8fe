"""How a training goes. Knows no machine."""

import math
from pathlib import Path
from typing import NamedTuple

from neuraltape.runs.metrics import read_tail

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


def progress(path: Path) -> Progress:
    """Read a run's file of metrics. A file that is missing or broken gives what can be read of it."""
    metrics = read_tail(path, TAIL)
    curve = [(int(line["sequences"]), float(line["bits"])) for line in metrics.scores]
    stride = math.ceil(len(curve) / POINTS) or 1
    # From the end, so that the newest is always there.
    return Progress(metrics.sequences, curve[-1][1] if curve else None, curve[::-1][::stride][::-1])
