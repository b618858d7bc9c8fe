"""Targets against outputs at several lengths, with the errors marked: figure 4 of the paper."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuraltape.evaluation.example import Example
from neuraltape.plotting.layout import (
    BELOW,
    GAP,
    KEYS,
    LEFT,
    MARGIN,
    PAGE,
    TITLE,
    WIDTH,
    Key,
    draw_keys,
    in_rows,
    new_figure,
)
from neuraltape.plotting.style import (
    ERROR,
    INK,
    SMALL,
    TEXT,
    Scale,
    heat_map,
    leave_marks,
    name_marks,
    prepare,
    round_step,
    scale_of,
)

# The narrowest picture, as a share of the widest row: below this its title has no room.
NARROWEST = 0.09
# Inches between two pictures.
BETWEEN = 0.16
NEW_LINE = "\n"


def plot_outputs(examples: Sequence[Example], *, length_name: str = "steps") -> Figure:
    """Targets above outputs for each example; every wrong output is framed.

    As figure 4 of Graves, Wayne and Danihelka (2014), arXiv 1410.5401: short sequences side by side, long ones in rows
    of their own, all at the same width a step. Only steps that are scored are shown.

    Args:
        examples: one or more, from the same task.
        length_name: what a length counts.

    Raises:
        ValueError: no examples.
    """
    if not examples:
        raise ValueError("examples must be one or more; got none")
    rows = pack(examples)
    widest = max(len(each.targets) for each in examples)
    scale, limit = scale_of(np.concatenate([part for each in examples for part in (each.targets, each.predictions)]))
    # A step has the same width in every row.
    unit = min((WIDTH - LEFT - (len(row) - 1) * BETWEEN - MARGIN) / sum(_widths(row, widest)) for row in rows)
    high = min(1.0, max(0.42, 0.16 + 0.055 * examples[0].targets.shape[1]))
    # The title of a narrow picture has two lines.
    titles = [TITLE if all(_roomy(each, widest) for each in row) else 1.65 * TITLE for row in rows]
    around = sum(titles) + len(rows) * (GAP + BELOW) + KEYS
    high = max(0.42, min(high, (PAGE - around) / len(rows) / 2))
    figure, top = new_figure(WIDTH, around + 2 * high * len(rows)), 0.0
    for title, row in zip(titles, rows, strict=True):
        left, top = LEFT, top + title
        widths = [unit * width for width in _widths(row, widest)]
        for each, width in zip(row, widths, strict=True):
            above = figure.panel(left, top, width, high)
            below = figure.panel(left, top + high + GAP, width, high)
            _draw_pair(above, below, each, width, scale=scale, limit=limit)
            _name(above, below, each, length_name, first=each is row[0], roomy=_roomy(each, widest))
            left += width + BETWEEN
        figure.axes[-2 * (len(row) - int(np.argmax(widths))) + 1].set_xlabel("answer (steps)", fontsize=TEXT)
        top += 2 * high + GAP + BELOW
    draw_keys(figure, in_rows([Key(scale, limit, "probability" if scale == "unit" else "value")]))
    return figure


def pack(examples: Sequence[Example]) -> list[list[Example]]:
    """Examples in rows, in their order, no row wider than its longest example needs."""
    longest = max(len(each.targets) for each in examples)
    rows: list[list[Example]] = [[]]
    for each in examples:
        if rows[-1] and sum(_widths([*rows[-1], each], longest)) > longest:
            rows.append([])
        rows[-1].append(each)
    return rows


def _widths(row: Sequence[Example], widest: int) -> list[float]:
    return [max(len(each.targets), NARROWEST * widest) for each in row]


def _roomy(each: Example, widest: int) -> bool:
    """Whether a title has room for one line."""
    return len(each.targets) > 2.5 * NARROWEST * widest


def _name(above: Axes, below: Axes, each: Example, length_name: str, *, first: bool, roomy: bool) -> None:
    """The title, in two lines where there is little room; what is what, at the first of a row."""
    wrong = "no error" if each.wrong == 0 else f"{each.wrong:,} error" + ("s" if each.wrong > 1 else "")
    unit = f" {length_name}" if roomy or first else ""
    title = f"{each.length}{unit}{', ' if roomy else NEW_LINE}{wrong}"
    above.set_title(title, fontsize=SMALL, color=INK, loc="left", pad=3, y=1.0)
    if first:
        above.set_ylabel("targets", fontsize=TEXT)
        below.set_ylabel("outputs", fontsize=TEXT)
    if not first:
        leave_marks(above.yaxis)
        leave_marks(below.yaxis)


def _draw_pair(above: Axes, below: Axes, each: Example, width: float, *, scale: Scale, limit: float) -> None:
    """Targets above outputs, so many inches wide."""
    steps = len(each.targets)
    heat_map(prepare(above), each.targets.T, scale=scale, limit=limit)
    heat_map(prepare(below), each.predictions.T, scale=scale, limit=limit)
    marks = range(0, steps, max(round_step(steps / 6), round_step(0.25 * steps / width)))
    leave_marks(above.xaxis, marks)
    name_marks(below.xaxis, marks, [str(mark) for mark in marks])
    mark_errors(below, each)


def mark_errors(axes: Axes, each: Example) -> None:
    """A frame around every wrong output."""
    channels, steps = np.nonzero(each.errors.T)
    axes.scatter(steps, channels, s=9, marker="s", facecolor="none", edgecolor=ERROR, linewidth=0.9, clip_on=False)
