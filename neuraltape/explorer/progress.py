"""How a training goes, from its `metrics.jsonl`. Knows no machine."""

import json
import math
from pathlib import Path
from typing import NamedTuple

# Points of the curve that the page draws, and what is read of a long file.
POINTS, TAIL = 200, 4_000_000


class Progress(NamedTuple):
    """A training so far."""

    sequences: int | None
    """Sequences seen."""
    bits: float | None
    """The last score, in bits a sequence."""
    curve: list[tuple[int, float]]
    """Sequences and score, in order."""


def progress(path: Path) -> Progress:
    """Read it. A file that is missing or broken gives what can be read of it."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL))
            lines = file.read(TAIL).splitlines()
    except OSError:
        return Progress(None, None, [])
    curve = [point for point in map(_point, lines) if point is not None]
    if not curve:
        return Progress(None, None, [])
    stride = math.ceil(len(curve) / POINTS)
    # From the end, so that the newest is always there.
    return Progress(curve[-1][0], curve[-1][1], curve[::-1][::stride][::-1])


def _point(line: bytes) -> tuple[int, float] | None:
    try:
        value = json.loads(line)
        sequences, bits = int(value["sequences"]), float(value["bits"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return (sequences, bits) if math.isfinite(bits) else None
