"""Where every head looks at every step, beside what went in and came out: figure 6 of the paper."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neuraltape.nn.intervention import BOUNDS
from neuraltape.nn.trace import Head, Trace
from neuraltape.plotting.hops import plot_hops
from neuraltape.plotting.style import WIDTH, Scale, colour_bar, heat_map, new_figure, prepare, round_step, scale_of
from neuraltape.plotting.tape import Tape
from neuraltape.printed import record_repr


class Panel(NamedTuple):
    """One picture over time."""

    title: str
    values: NDArray[np.floating]
    """(rows, time)."""
    scale: Scale
    limit: float
    rows: str
    """What a row is."""
    bar: str
    """What the colours mean."""
    slots: list[str] | None = None
    """The names of the slots that the rows are, if they are slots."""

    __repr__ = record_repr

    @property
    def height(self) -> float:
        """The row's height, in the unit of the figure's rows."""
        return 1.0 if self.slots is None else min(3.2, max(1.6, len(self.slots) / 9))


def plot_focus(trace: Trace, *, sequence: int = 0) -> Figure:
    """One sequence: on the left what was written and where, on the right what was read and where.

    As figure 6 of Graves, Wayne and Danihelka (2014), arXiv 1410.5401. The focus has a fixed scale from 0 to 1. Only
    slots in use are shown, with their real numbers. Hops, which follow each other within a step, stand side by side.

    Args:
        trace: a machine's run.
        sequence: which of its sequences.

    Raises:
        ValueError: the trace has no such sequence.
    """
    tape = Tape(trace, sequence)
    if tape.heads("hop"):
        return plot_hops(tape)
    slots = tape.slots_in_use()
    columns = (_writing(tape, slots), _reading(tape, slots))
    return draw_columns(columns, tape.steps)


def draw_columns(columns: Sequence[Sequence[Panel]], steps: int, *, scale: float = 1.0) -> Figure:
    """Panels in columns, each column as high as the highest, all over the same steps; `scale` stretches them."""
    height = max(sum(panel.height for panel in column) + 0.35 * len(column) for column in columns)
    figure = new_figure(WIDTH, 0.72 * scale * height + 0.35)
    parts = figure.subfigures(1, len(columns), wspace=0.02, squeeze=False)[0]
    for part, column in zip(parts, columns, strict=True):
        heights = [panel.height for panel in column]
        axes = part.subplots(len(column), 1, squeeze=False, sharex=True, height_ratios=heights)[:, 0]
        for one, panel in zip(axes, column, strict=True):
            _draw(one, panel, last=panel is column[-1])
        axes[0].set_xlim(-0.5, steps - 0.5)
        part.align_ylabels(axes)
    return figure


def _draw(axes: Axes, panel: Panel, *, last: bool) -> None:
    prepare(axes, title=panel.title, x="time (steps)" if last else "", y=panel.rows)
    axes.tick_params(labelbottom=last)
    colour_bar(heat_map(axes, panel.values, scale=panel.scale, limit=panel.limit), axes, panel.bar)
    if panel.slots is not None:
        label_slots(axes, panel.slots)


def label_slots(axes: Axes, names: list[str]) -> None:
    """Name the rows of a panel after the slots that they show: round numbers, or every label."""
    rows = range(len(names))
    if all(name.isdecimal() for name in names):
        stride = round_step(len(names) / 9)
        rows = [row for row in rows if int(names[row]) % stride == 0]
    axes.set_yticks(rows, [names[row] for row in rows])


def _writing(tape: Tape, slots: NDArray[np.integer]) -> list[Panel]:
    inputs = tape.of(tape.trace.inputs).T
    panels = [Panel("Inputs", inputs, *scale_of(inputs), "channel", "value")]
    return panels + [panel for head in tape.heads("write") for panel in head_panels(tape, head, slots)]


def _reading(tape: Tape, slots: NDArray[np.integer]) -> list[Panel]:
    panels = []
    if tape.targets is not None:
        targets = tape.targets.T
        panels.append(Panel("Targets", targets, *scale_of(targets), "channel", "value"))
    outputs = tape.predictions.T
    scale = scale_of(outputs)
    panels.append(Panel("Outputs", outputs, *scale, "channel", "probability" if scale[0] == "unit" else "value"))
    return panels + [panel for head in tape.heads("read") for panel in head_panels(tape, head, slots)]


def head_panels(tape: Tape, head: Head, slots: NDArray[np.integer]) -> list[Panel]:
    """What a head moves, and where it looks."""
    weights = tape.of(head.weights)[:, slots].T
    focus = Panel(f"Focus of {spoken(head)}", weights, "unit", 1.0, "slot", "weight", tape.slot_names(slots))
    return [*(vector_panel(tape, head, name) for name in sorted(head.vectors)), focus]


def vector_panel(tape: Tape, head: Head, name: str) -> Panel:
    """One of the vectors that a head moves, over time."""
    values = tape.of(head.vectors[name]).T
    low, high = BOUNDS.get(name, (-math.inf, math.inf))
    # The scale is that of the glossary, so that panels can be compared; where it has none, or a machine keeps to none,
    # that of the numbers.
    scale: tuple[Scale, float] = ("unit" if low == 0 else "signed", high)
    if not math.isfinite(high) or np.abs(values).max(initial=0) > high:
        scale = "signed", scale_of(np.append(values, -1.0))[1]
    return Panel(f"{name.capitalize()}s of {spoken(head)}", values, *scale, "element", name)


def spoken(head: Head) -> str:
    """A head's name in a sentence: "write head 1"."""
    return head.name.replace(head.kind, f"{head.kind} head", 1)
