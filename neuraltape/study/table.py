"""Tables over seeds: numbers over all seeds of a row, cells, Markdown. Knows no study."""

import math
from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple


class Spread(NamedTuple):
    """A measure over seeds, of which less is better."""

    median: float
    """The middle one; of an even number the mean of the two in the middle."""
    worst: float
    """The greatest."""


def spread(values: Iterable[float | None], total: int | None = None) -> Spread | None:
    """A measure over all seeds of a row.

    Args:
        values: one for each seed; None counts as infinite: it never came to that.
        total: how many seeds there were to be; those without a value count as infinite too. None: as many as values.

    Returns:
        None where there are no seeds. A median or worst that is infinite says that so many never came to that.
    """
    numbers = [math.inf if value is None else value for value in values]
    numbers += [math.inf] * ((total or 0) - len(numbers))
    return Spread(median(numbers), max(numbers)) if numbers else None


def share(count: int, total: int) -> str:
    """So many of so many."""
    return f"{count} of {total}"


def count_cell(value: float | None) -> str:
    """A number to count with; a dash where there is none, or never was."""
    return "-" if value is None or math.isinf(value) else f"{value:,.0f}"


def score_cell(value: float | None) -> str:
    """A score with three digits; a dash where there is none."""
    if value is None or math.isinf(value):
        return "-"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
