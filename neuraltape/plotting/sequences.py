"""Sequences of the user's own beside each other: inputs, targets, what the machine says, where its heads look."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from neuraltape.evaluation.shown import Shown
from neuraltape.nn.trace import Trace
from neuraltape.plotting.focus import label_slots, spoken
from neuraltape.plotting.layout import (
    BELOW,
    KEYS,
    LEFT,
    PAGE,
    TITLE,
    WIDTH,
    Key,
    draw_keys,
    fitted,
    in_rows,
    new_figure,
)
from neuraltape.plotting.style import (
    BLUE,
    ERROR,
    INK,
    LINES,
    ORANGE,
    SMALL,
    TEXT,
    Scale,
    heat_map,
    leave_marks,
    legend,
    marked,
    prepare,
    scale_of,
)
from neuraltape.plotting.tape import Tape
from neuraltape.tasks.table import Kind

# Up to so many channels of values are drawn as lines, more as colours.
LINES_AT_MOST = 3
# Of more classes than these only the target's probability is drawn.
CLASSES_AT_MOST = 64
# Inches: a panel, and what lies between two.
HIGH, APART = 0.95, 0.16


def plot_sequences(
    shown: Sequence[Shown], kind: Kind, *, symbols: bool, trace: Trace | None = None, score_name: str = "score"
) -> Figure:
    """A column a sequence: what went in, targets against outputs, and the focus of each head.

    Values are lines (colours where there are many), symbols and classes dots at their numbers, with each class's
    probability behind them (of many classes the target's alone), bits targets above probabilities. What is wrong is
    framed; of values nothing is.

    Args:
        shown: one or more.
        kind: what the targets are.
        symbols: whether a step's input is one of some symbols.
        trace: of the same sequences in this order, where the machine has heads.
        score_name: what `Shown.cost` is.

    Raises:
        ValueError: no sequences.
    """
    if not shown:
        raise ValueError("shown must be one or more sequences; got none")
    heads = [] if trace is None else [head.name for head in trace.heads if head.kind != "hop"]
    answers = 2 if kind == "bits" or (kind == "values" and shown[0].targets.shape[1] > LINES_AT_MOST) else 1
    keys = in_rows(_keys(shown, kind, symbols=symbols, focus=bool(heads)))
    heights = [*([HIGH] * (1 + answers)), *([1.2 * HIGH] * len(heads))]
    around = 2 * TITLE + APART * (len(heights) - 1) + BELOW + KEYS * len(keys)
    heights = fitted(heights, [0.3] * len(heights), min(sum(heights), PAGE - around))
    span, scale = _span(shown), _scale_of_answers(shown)
    figure = new_figure(WIDTH, around + sum(heights))
    step = (WIDTH - LEFT + APART) / len(shown)
    for number, each in enumerate(shown):
        first, top, column = number == 0, 2 * TITLE, []
        for height in heights:
            column.append(figure.panel(LEFT + number * step, top, step - 2 * APART, height))
            top += height + APART
        prepare(column[0], y="inputs" if first else "")
        title = f"sequence {each.row + 1}{_wrong(kind, each)}\n{each.cost:.2g} {score_name}"
        column[0].set_title(title, fontsize=SMALL, color=INK, loc="left", pad=3, y=1.0)
        _inputs(column[0], each, _scale_of_inputs(shown), symbols=symbols)
        _answers(column[1 : 1 + answers], each, kind, scale, span, first=first, last=number == len(shown) - 1)
        for name, axes, height in zip(heads, column[1 + answers :], heights[1 + answers :], strict=True):
            assert trace is not None
            _focus(axes, Tape(trace, number), name, height, first=first)
        for one in column:
            one.set_xlim(-0.5, len(each.inputs) - 0.5)
            one.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
            if one is not column[-1]:
                leave_marks(one.xaxis)
        column[-1].set_xlabel("step", fontsize=TEXT, color=INK)
    draw_keys(figure, keys)
    return figure


def _keys(shown: Sequence[Shown], kind: Kind, *, symbols: bool, focus: bool) -> Iterator[Key]:
    """What the colours mean, of panels that have colours."""
    if not symbols and shown[0].inputs.shape[1] > LINES_AT_MOST:
        yield Key(*_scale_of_inputs(shown), "input")
    channels = shown[0].targets.shape[1]
    if kind == "bits" or (kind == "classes" and channels <= CLASSES_AT_MOST):
        yield Key("unit", 1.0, "probability")
    elif kind == "values" and channels > LINES_AT_MOST:
        yield Key(*_scale_of_answers(shown), "value")
    if focus:
        yield Key("unit", 1.0, "weight")


def _scale_of_inputs(shown: Sequence[Shown]) -> tuple[Scale, float]:
    return scale_of(np.concatenate([each.inputs.ravel() for each in shown]))


def _scale_of_answers(shown: Sequence[Shown]) -> tuple[Scale, float]:
    return scale_of(np.concatenate([part.ravel() for each in shown for part in (each.targets, each.predictions)]))


def _wrong(kind: Kind, each: Shown) -> str:
    """How many targets are wrong, in words; of values nothing is said."""
    if kind == "values":
        return ""
    if kind == "classes" and each.scored.sum() == 1:
        return ": wrong" if each.wrong else ": right"
    targets = int(each.scored.sum()) * (each.targets.shape[1] if kind == "bits" else 1)
    return f": {each.wrong:,} of {targets:,} wrong"


def _span(shown: Sequence[Shown]) -> tuple[float, float]:
    """From the least to the greatest target or prediction, with a margin."""
    values = np.concatenate([part[each.scored].ravel() for each in shown for part in (each.targets, each.predictions)])
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def _inputs(axes: Axes, each: Shown, scale: tuple[Scale, float], *, symbols: bool) -> None:
    if symbols:
        _dots(axes, each.inputs, INK)
    elif each.inputs.shape[1] <= LINES_AT_MOST:
        _lines(axes, each.inputs, np.ones(len(each.inputs), bool), LINES)
    else:
        heat_map(axes, each.inputs.T, scale=scale[0], limit=scale[1])


def _answers(
    panels: Sequence[Axes],
    each: Shown,
    kind: Kind,
    scale: tuple[Scale, float],
    span: tuple[float, float],
    *,
    first: bool,
    last: bool,
) -> None:
    if kind == "values" and len(panels) == 1:
        (axes,) = panels
        prepare(axes, y="values" if first else "")
        for values, colour, style, label in (
            (each.targets, INK, "-", "target"),
            (each.predictions, ORANGE, "--", "output"),
        ):
            _lines(axes, values, each.scored, (colour,), style=style, label=label)
        axes.set_ylim(*span)
        if last:
            legend(axes)
        return
    if kind == "classes" and each.targets.shape[1] > CLASSES_AT_MOST:
        (axes,) = panels
        prepare(axes, y="chance of\nthe target" if first else "")
        _lines(axes, (each.targets * each.predictions).sum(1, keepdims=True), each.scored, (ORANGE,))
        axes.set_ylim(-0.05, 1.05)
        return
    if kind == "classes":
        (axes,) = panels
        prepare(axes, y="class" if first else "")
        heat_map(axes, each.predictions.T, scale="unit", asked=each.scored)
        _dots(axes, each.targets, BLUE, ring=True)
        _frames(axes, each)
        return
    for axes, values, name in zip(panels, (each.targets, each.predictions), ("targets", "outputs"), strict=True):
        prepare(axes, y=name if first else "")
        heat_map(axes, values.T, scale=scale[0], limit=scale[1], asked=each.scored)
    if kind == "bits":
        _frames(panels[1], each)


def _focus(axes: Axes, tape: Tape, name: str, height: float, *, first: bool) -> None:
    head, slots = tape.trace.head(name), tape.slots_in_use()
    prepare(axes, y=f"{spoken(head)}:\nslot" if first else "")
    heat_map(axes, tape.of(head.weights)[:, slots].T, scale="unit")
    label_slots(axes, tape.slot_names(slots), height)


def _lines(
    axes: Axes,
    values: NDArray[np.floating],
    where: NDArray[np.bool_],
    colours: Sequence[str],
    *,
    style: str = "-",
    label: str | None = None,
) -> None:
    """A line a channel over the steps where there is something."""
    shown = np.where(where[:, None], values, np.nan)
    for channel in range(values.shape[1]):
        colour = colours[channel % len(colours)]
        # Steps are few, and one with nothing beside it would be no line.
        line = {"color": colour, "linestyle": style, "linewidth": 1, **marked(len(values))}
        axes.plot(shown[:, channel], label=label if channel == 0 else None, **line)


def _dots(axes: Axes, chosen: NDArray[np.floating], colour: str, *, ring: bool = False) -> None:
    """A dot at the number of what is chosen at each step; none where nothing is."""
    steps, numbers = np.nonzero(chosen)
    face = "none" if ring else colour
    axes.scatter(steps, numbers, s=16 if ring else 4, facecolor=face, edgecolor=colour, linewidth=0.9, zorder=3)
    axes.set_ylim(chosen.shape[1] - 0.5, -0.5)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))


def _frames(axes: Axes, each: Shown) -> None:
    steps, channels = np.nonzero(each.errors)
    axes.scatter(steps, channels, s=9, marker="s", facecolor="none", edgecolor=ERROR, linewidth=0.9, zorder=4)
