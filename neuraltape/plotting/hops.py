"""What each hop of a memory network looked at: the facts of one story as rows, the hops as columns."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neuraltape.plotting.layout import KEYS, MARGIN, PAGE, TITLE, WIDTH, Key, draw_keys, in_rows, new_figure, text_width
from neuraltape.plotting.style import SMALL, Scale, heat_map, leave_marks, name_marks, prepare, round_up
from neuraltape.plotting.tape import Tape

# A weight is written into its place when it is at least this high, in a dark colour up to DARK.
WRITTEN, DARK = 0.05, 0.5


def plot_hops(tape: Tape) -> Figure:
    """Every stage of the hops side by side, on the same rows; a focus from 0 to 1, with its larger numbers.

    Args:
        tape: one sequence of a trace whose heads are hops.

    Raises:
        ValueError: the trace has no hops.
    """
    hops, slots = tape.heads("hop"), tape.slots_in_use()
    if not hops:
        raise ValueError(f"trace must have hops; it has {', '.join(head.name for head in tape.trace.heads)}")
    names = [stage.name for stage in hops[0].stages]
    labels = tape.slot_names(slots)
    left = min(WIDTH / 2, max(map(text_width, labels), default=0.0) + 0.12)
    high = min(PAGE, max(0.8, 0.17 * len(slots)))
    step = (WIDTH - left) / len(names)
    figure, keys = new_figure(WIDTH, TITLE + high + 0.22 + KEYS), []
    for number, name in enumerate(names):
        stages = [head.stage(name) for head in hops]
        values = np.stack([tape.of(stage.weights)[-1, slots] for stage in stages], 1)
        similarity = stages[0].kind == "similarity"
        limit = round_up(float(np.abs(values).max(initial=0))) if similarity else 1.0
        scale: Scale = "signed" if similarity else "unit"
        axes = prepare(figure.panel(left + number * step, TITLE, step - MARGIN, high), title=name.capitalize())
        heat_map(axes, values, scale=scale, limit=limit)
        keys.append(Key(scale, limit, name))
        name_marks(axes.xaxis, range(len(hops)), [head.name for head in hops])
        if number:
            leave_marks(axes.yaxis, range(len(slots)))
        else:
            name_marks(axes.yaxis, range(len(slots)), labels)
        if not similarity:
            _write(axes, values)
    draw_keys(figure, in_rows(keys, left=left))
    return figure


def _write(axes: Axes, values: NDArray[np.floating]) -> None:
    for row, column in np.argwhere(values >= WRITTEN):
        value = values[row, column]
        colour = "black" if value < DARK else "white"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=SMALL)
