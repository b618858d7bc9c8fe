"""Targets against outputs at several lengths, with the errors marked: figure 4 of the paper."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage

from neuraltape.evaluation.example import Example
from neuraltape.plotting.style import (
    ERROR,
    SMALL,
    TEXT,
    WIDTH,
    Scale,
    colour_bar,
    heat_map,
    new_figure,
    prepare,
    round_step,
    scale_of,
)

# The narrowest picture, as a share of the widest row: below this its title has no room.
NARROWEST = 0.09
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
    channels = examples[0].targets.shape[1]
    high = 2 * min(1.0, max(0.45, 0.26 + 0.055 * channels)) + 0.55
    figure = new_figure(WIDTH, high * len(rows) + 0.1)
    parts = figure.subfigures(len(rows), 1, hspace=0.02, squeeze=False)[:, 0]
    for part, row in zip(parts, rows, strict=True):
        _draw_row(part, row, widest=widest, scale=scale, limit=limit, length_name=length_name)
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


def _draw_row(
    part: SubFigure, row: Sequence[Example], *, widest: int, scale: Scale, limit: float, length_name: str
) -> None:
    """One row of pictures, filled up with nothing to the widest."""
    widths = _widths(row, widest)
    spare = widest - sum(widths)
    filled = [*widths, spare] if spare > 0.01 * widest else widths
    axes = part.subplots(2, len(filled), squeeze=False, width_ratios=filled)
    for nothing in axes[:, len(row) :].flat:
        nothing.set_axis_off()
    images = [
        _draw_pair(above, below, each, widest=widest, scale=scale, limit=limit)
        for each, (above, below) in zip(row, axes.T, strict=False)
    ]
    for number, (each, one) in enumerate(zip(row, axes[0], strict=False)):
        wrong = "no error" if each.wrong == 0 else f"{each.wrong:,} error" + ("s" if each.wrong > 1 else "")
        roomy = len(each.targets) > 2.5 * NARROWEST * widest
        unit = f" {length_name}" if roomy or number == 0 else ""
        one.set_title(f"{each.length}{unit}{', ' if roomy else NEW_LINE}{wrong}", fontsize=SMALL, loc="left", pad=3)
    axes[0, 0].set_ylabel("targets", fontsize=TEXT)
    axes[1, 0].set_ylabel("outputs", fontsize=TEXT)
    axes[1, int(np.argmax(widths))].set_xlabel("answer (steps)", fontsize=TEXT, labelpad=2)
    for one in axes[:, 1:].flat:
        one.tick_params(labelleft=False)
    colour_bar(images[0], list(axes.flat), "probability" if scale == "unit" else "value")


def _draw_pair(above: Axes, below: Axes, each: Example, *, widest: int, scale: Scale, limit: float) -> AxesImage:
    """Targets above outputs; returns the outputs' image."""
    steps = len(each.targets)
    heat_map(prepare(above), each.targets.T, scale=scale, limit=limit)
    image = heat_map(prepare(below), each.predictions.T, scale=scale, limit=limit)
    for one in (above, below):
        one.set_xticks(range(0, steps, max(round_step(steps / 6), round_step(widest / 30))))
    above.tick_params(labelbottom=False)
    mark_errors(below, each)
    return image


def mark_errors(axes: Axes, each: Example) -> None:
    """A frame around every wrong output."""
    channels, steps = np.nonzero(each.errors.T)
    axes.scatter(steps, channels, s=9, marker="s", facecolor="none", edgecolor=ERROR, linewidth=0.9, clip_on=False)
