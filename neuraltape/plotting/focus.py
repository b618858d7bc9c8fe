"""Where every head looks at every step, beside what went in and came out: figure 6 of the paper."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from neuraltape.nn.intervention import bounds_of
from neuraltape.nn.trace import Head, Trace
from neuraltape.plotting.hops import plot_hops
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
    fitted,
    in_rows,
    new_figure,
    text_width,
)
from neuraltape.plotting.style import Scale, heat_map, leave_marks, name_marks, prepare, round_step, round_up, scale_of
from neuraltape.plotting.tape import IN_USE, Tape
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
    """The names of the rows, if they are slots or have names."""
    asked: NDArray[np.bool_] | None = None
    """(time,): where False nobody asks for these numbers, and they are pale."""

    __repr__ = record_repr

    @property
    def named(self) -> bool:
        """Whether every row has a name of its own, which is no number."""
        return self.slots is not None and not all(name.isdecimal() for name in self.slots)

    @property
    def height(self) -> float:
        """Inches, where there is room."""
        rows = len(self.values)
        if self.named:
            return 0.15 * rows
        return 0.72 if self.slots is None else min(2.3, max(1.1, rows / 13))

    @property
    def least(self) -> float:
        """Inches that it has to have."""
        return 0.12 * min(len(self.values), 16) if self.named else 0.3


def plot_focus(trace: Trace, *, sequence: int = 0) -> Figure:
    """One sequence: on the left what was written and where, on the right what was read and where.

    As figure 6 of Graves, Wayne and Danihelka (2014), arXiv 1410.5401. The focus has a fixed scale from 0 to 1. Only
    slots in use are shown, with their real numbers; outputs that aren't scored are pale. Hops, which follow each other
    within a step, stand side by side.

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
    """Panels in columns over the same steps, each column as high as the highest, and one key to all their colours.

    `scale` stretches the panels; what would be higher than a page is squeezed.
    """
    keys = in_rows(Key(panel.scale, panel.limit, panel.bar) for column in columns for panel in column)
    around = BELOW + KEYS * len(keys)
    titles = [len(column) * (TITLE + GAP) for column in columns]
    wanted = [[scale * panel.height for panel in column] for column in columns]
    high = min(PAGE - around, max(sum(each) + title for each, title in zip(wanted, titles, strict=True)))
    # A column that has less to show is stretched, but not out of shape.
    heights = [
        fitted(each, [panel.least for panel in column], min(high - title, 1.5 * sum(each)))
        for each, column, title in zip(wanted, columns, titles, strict=True)
    ]
    high = max(sum(each) + title for each, title in zip(heights, titles, strict=True))
    figure = new_figure(WIDTH, high + around)
    lefts = [_left_of(column) for column in columns]
    width = (WIDTH - sum(lefts) - MARGIN * len(columns)) / len(columns)
    start = 0.0
    for column, left, each in zip(columns, lefts, heights, strict=True):
        start, top = start + left, 0.0
        for panel, height in zip(column, each, strict=True):
            axes = figure.panel(start, top + TITLE, width, height)
            _draw(axes, panel, steps, height, last=panel is column[-1])
            top += TITLE + height + GAP
        start += width + MARGIN
    draw_keys(figure, keys)
    return figure


def _left_of(column: Sequence[Panel]) -> float:
    """Inches that the names left of a column take."""
    names = [name for panel in column if panel.named and panel.slots is not None for name in panel.slots]
    return max(LEFT, *(text_width(name) + 0.12 for name in names)) if names else LEFT


def _draw(axes: Axes, panel: Panel, steps: int, height: float, *, last: bool) -> None:
    prepare(axes, title=panel.title, x="time (steps)" if last else "", y=panel.rows)
    heat_map(axes, panel.values, scale=panel.scale, limit=panel.limit, asked=panel.asked)
    axes.set_xlim(-0.5, steps - 0.5)
    if not last:
        leave_marks(axes.xaxis)
    if panel.slots is not None:
        label_slots(axes, panel.slots, height)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=max(1, min(6, int(height / 0.14))), integer=True, min_n_ticks=1))


def label_slots(axes: Axes, names: list[str], height: float, *, named: bool = True) -> list[int]:
    """Name the rows of a panel of so many inches after the slots that they show: round numbers, or every label.

    Returns:
        Which rows; those of a panel that isn't `named`, which stands beside one that is, have marks alone.
    """
    room = max(1.0, height / 0.13)
    stride = round_step(len(names) / min(room, 9)) if all(name.isdecimal() for name in names) else 0
    if stride:
        rows = [row for row, name in enumerate(names) if int(name) % stride == 0]
    else:
        rows = list(range(0, len(names), round_step(len(names) / room / 1.1)))
    if named:
        name_marks(axes.yaxis, rows, [names[row] for row in rows])
    else:
        leave_marks(axes.yaxis, rows)
    return rows


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
    scale, asked = scale_of(outputs), tape.scored
    title = "Outputs" if asked is None or asked.all() else "Outputs (pale: not scored)"
    bar = "probability" if scale[0] == "unit" else "value"
    panels.append(Panel(title, outputs, *scale, "channel", bar, asked=asked))
    return panels + [panel for head in tape.heads("read") for panel in head_panels(tape, head, slots)]


def head_panels(tape: Tape, head: Head, slots: NDArray[np.integer]) -> list[Panel]:
    """What a head moves, and where it looks."""
    weights = tape.of(head.weights)[:, slots].T
    title, highest = f"Focus of {spoken(head)}", weights.max(initial=0.0)
    if highest < IN_USE:
        # On a scale up to 1 it would look like no focus at all.
        title += f" (blurred: at most {round_up(float(highest)):g})"
    focus = Panel(title, weights, "unit", 1.0, "slot", "weight", tape.slot_names(slots))
    return [*(vector_panel(tape, head, name) for name in sorted(head.vectors)), focus]


def vector_panel(tape: Tape, head: Head, name: str) -> Panel:
    """One of the vectors that a head moves, over time."""
    values = tape.of(head.vectors[name]).T
    low, high = bounds_of(tape.trace, name)
    # The scale is that of the machine, so that panels can be compared; where it has none that of the numbers.
    scale: tuple[Scale, float] = ("unit" if low == 0 else "signed", high)
    if not math.isfinite(high) or np.abs(values).max(initial=0) > high:
        scale = "signed", scale_of(np.append(values, -1.0))[1]
    return Panel(f"{name.capitalize()}s of {spoken(head)}", values, *scale, "element", name)


def spoken(head: Head) -> str:
    """A head's name in a sentence: "write head 1"."""
    return head.name.replace(head.kind, f"{head.kind} head", 1)
