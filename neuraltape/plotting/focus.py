"""Where every head looks at every step, beside what went in and came out: figure 6 of the paper."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neuraltape.nn.trace import Trace
from neuraltape.plotting.style import WIDTH, Scale, colour_bar, heat_map, new_figure, prepare, round_step, scale_of
from neuraltape.plotting.tape import Tape


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
    slots: NDArray[np.integer] | None = None
    """The slots that the rows are, if they are slots."""

    @property
    def height(self) -> float:
        """In the unit of the figure's rows."""
        return 1.0 if self.slots is None else min(3.2, max(1.6, len(self.slots) / 9))


def plot_focus(trace: Trace, *, sequence: int = 0) -> Figure:
    """One sequence: on the left what was written and where, on the right what was read and where.

    As figure 6 of Graves, Wayne and Danihelka (2014), arXiv 1410.5401. The focus has a fixed scale from 0 to 1. Only
    slots in use are shown, with their real numbers.

    Args:
        trace: a machine's run.
        sequence: which of its sequences.

    Raises:
        ValueError: the trace has no such sequence.
    """
    tape = Tape(trace, sequence)
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


def label_slots(axes: Axes, slots: NDArray[np.integer]) -> None:
    """Number the rows of a panel with the slots that they show."""
    stride = round_step(len(slots) / 9)
    rows = np.flatnonzero(slots % stride == 0)
    axes.set_yticks(rows, [str(slot) for slot in slots[rows]])


def _writing(tape: Tape, slots: NDArray[np.integer]) -> list[Panel]:
    inputs = tape.of(tape.trace.inputs).T
    panels = [Panel("Inputs", inputs, *scale_of(inputs), "channel", "value")]
    for head in range(tape.write_weights.shape[1]):
        panels += write_panels(tape, head)
        panels.append(_focus(f"Focus of write head {head + 1}", tape.write_weights[:, head], slots))
    return panels


def write_panels(tape: Tape, head: int) -> list[Panel]:
    """What a write head adds and erases."""
    interface, of_head = tape.trace.interface, f"of write head {head + 1}"
    adds, erases = tape.of(interface.add)[:, head].T, tape.of(interface.erase)[:, head].T
    return [
        Panel(f"Adds {of_head}", adds, "signed", 1.0, "element", "add"),
        Panel(f"Erases {of_head}", erases, "unit", 1.0, "element", "erase"),
    ]


def _reading(tape: Tape, slots: NDArray[np.integer]) -> list[Panel]:
    panels = []
    if tape.trace.targets is not None and tape.trace.targets.dim() == tape.trace.outputs.dim():
        targets = tape.of(tape.trace.targets).T
        panels.append(Panel("Targets", targets, *scale_of(targets), "channel", "value"))
    outputs = tape.predictions.T
    scale = scale_of(outputs)
    panels.append(Panel("Outputs", outputs, *scale, "channel", "probability" if scale[0] == "unit" else "value"))
    for head in range(tape.read_weights.shape[1]):
        reads = tape.of(tape.trace.reads)[:, head].T
        limit = scale_of(np.append(reads, -1.0))[1]
        panels.append(Panel(f"Reads of read head {head + 1}", reads, "signed", limit, "element", "read"))
        panels.append(_focus(f"Focus of read head {head + 1}", tape.read_weights[:, head], slots))
    return panels


def _focus(title: str, weights: NDArray[np.floating], slots: NDArray[np.integer]) -> Panel:
    return Panel(title, weights[:, slots].T, "unit", 1.0, "slot", "weight", slots)
