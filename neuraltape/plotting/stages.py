"""One head's way to its focus at one step, stage by stage: figure 2 of the paper, with its numbers."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neuraltape.nn.trace import Stage, Trace
from neuraltape.plotting.layout import BELOW, GAP, LEFT, MARGIN, TITLE, WIDTH, new_figure, text_width
from neuraltape.plotting.style import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    RED,
    SMALL,
    leave_marks,
    name_marks,
    prepare_curve,
    round_up,
)
from neuraltape.plotting.tape import Tape, tick_name

# Inches of a stage.
HIGH = 0.62
# The height from which on a bar can be seen.
SEEN = 0.002
# A bar's number is written when it is at least this high and there is room.
WRITTEN, ROOM = 0.05, 24


def plot_stages(trace: Trace, *, step: int, head: str = "write 1", sequence: int = 0) -> Figure:
    """The whole way to a head's focus on one axis: a panel for each of its stages, with the numbers that act there.

    As figure 2 of Graves, Wayne and Danihelka (2014), arXiv 1410.5401. Every focus has the same scale, 0 to 1; the
    outline is the head's focus one step before.

    Args:
        trace: a machine's run.
        step: which step, from 0.
        head: "read 1", "write 1", "hop 1", ..., as in `Trace.heads`.
        sequence: which of the trace's sequences.

    Raises:
        ValueError: the trace has no such step, head or sequence.
    """
    tape = Tape(trace, sequence)
    if not 0 <= step < tape.steps:
        raise ValueError(f"step must be from 0 to {tape.steps - 1}, the steps of this sequence; got {step}")
    chosen = trace.head(head)
    slots, before, stages = tape.slots_in_use(), tape.before(chosen, step), chosen.stages
    # Labels stand below, aslant.
    names = [] if trace.labels is None else tape.slot_names(slots)
    long = max(map(text_width, names), default=0.0)
    left = max(LEFT, 0.7 * (text_width(names[0]) if names else 0.0))
    figure = new_figure(WIDTH, (TITLE + HIGH + GAP) * len(stages) + BELOW + 0.8 * long)
    panels = [
        figure.panel(left, number * (TITLE + HIGH + GAP) + TITLE, WIDTH - left - MARGIN, HIGH)
        for number in range(len(stages))
    ]
    colour = RED if chosen.kind == "write" else BLUE
    outlined = False
    for axes, stage in zip(panels, stages, strict=True):
        weights, title = tape.of(stage.weights)[step, slots], _title(tape, stage, step)
        if stage.kind == "similarity":
            _similarity(axes, title, weights)
            continue
        if stage is stages[-1]:
            title += f". The focus of {head} at step {step}"
        if before is not None:
            _bars(axes, before[slots], "none", edgecolor=FAINT, zorder=3)
            title += "" if outlined else " (outline: the focus one step before)"
            outlined = True
        _focus(axes, title, weights, colour, strong=stage is stages[-1])
    name_slots(panels[-1], tape, slots)
    for axes in panels[:-1]:
        axes.set_xlim(panels[-1].get_xlim())
        leave_marks(axes.xaxis, panels[-1].get_xticks())
    return figure


def _title(tape: Tape, stage: Stage, step: int) -> str:
    """What happens at a stage, with its numbers: "Move: shift −1: 0.02, 0: 0.95, +1: 0.03"."""
    numbers = ", ".join(
        _number(name, tape.of(values)[step], stage.ticks.get(name)) for name, values in stage.numbers.items()
    )
    return f"{stage.name.capitalize()}: {numbers}" if numbers else stage.name.capitalize()


def _number(name: str, value: NDArray[np.floating], ticks: tuple[Any, ...] | None) -> str:
    if value.ndim == 0:
        return f"{name} {float(value):.2f}"
    if ticks is None:
        return f"each slot with the {name}"
    shares = zip(map(tick_name, ticks), value.tolist(), strict=True)
    return f"{name} " + ", ".join(f"{tick}: {share:.2f}" for tick, share in shares)


def _bars(axes: Axes, heights: NDArray[np.floating], color: str, *, edgecolor: str = "none", **style: Any) -> None:
    """A bar a slot, all of them one artist; none where it would be a line on the axis."""
    seen = np.flatnonzero(np.abs(heights) >= SEEN)
    left, right, top, base = seen - 0.43, seen + 0.43, heights[seen], np.zeros(len(seen))
    corners = [(left, base), (right, base), (right, top), (left, top)]
    bars = np.stack([np.stack(each, 1) for each in corners], 1)
    axes.add_collection(PolyCollection(list(bars), facecolor=color, edgecolor=edgecolor, linewidth=1, **style))


def _similarity(axes: Axes, title: str, values: NDArray[np.floating]) -> None:
    prepare_curve(axes, title=title)
    _bars(axes, values, GREEN)
    axes.axhline(0, color=FAINT, linewidth=0.6)
    limit = round_up(max(1.0, float(np.abs(values).max(initial=0))))
    axes.set_ylim(-limit, limit)
    name_marks(axes.yaxis, [-limit, 0, limit], [f"\N{MINUS SIGN}{limit:g}", "0", f"{limit:g}"])


def _focus(axes: Axes, title: str, weights: NDArray[np.floating], colour: str, *, strong: bool) -> None:
    prepare_curve(axes, title=title)
    _bars(axes, weights, colour, alpha=1.0 if strong else 0.6)
    axes.set_ylim(0, 1.18)
    name_marks(axes.yaxis, [0, 0.5, 1], ["0", "0.5", "1"])
    if len(weights) <= ROOM:
        for place in np.flatnonzero(weights >= WRITTEN):
            axes.annotate(
                f"{weights[place]:.2f}",
                (place, weights[place]),
                (0, 1),
                textcoords="offset points",
                ha="center",
                fontsize=SMALL,
            )


def name_slots(axes: Axes, tape: Tape, slots: NDArray[np.integer]) -> None:
    """Name the columns of a panel after the slots that they show: round numbers, or every label."""
    names = tape.slot_names(slots)
    shown = np.arange(len(slots))
    if tape.trace.labels is None:
        shown = np.flatnonzero(slots % max(1, round(len(slots) / 16)) == 0)
        name_marks(axes.xaxis, shown, [names[place] for place in shown])
    else:
        axes.set_xticks(shown, names, rotation=50, ha="right", rotation_mode="anchor")
    axes.set_xlabel("slot" if tape.trace.labels is None else "", fontsize=SMALL, color=INK)
    axes.set_xlim(-0.6, len(slots) - 0.4)
