"""What each hop of a memory network looked at: the facts of one story as rows, the hops as columns."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neuraltape.plotting.style import SMALL, WIDTH, colour_bar, heat_map, new_figure, prepare, round_up
from neuraltape.plotting.tape import Tape

# A weight is written into its place when it is at least this high, in a light colour up to DARK.
WRITTEN, DARK = 0.05, 0.6


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
    figure = new_figure(WIDTH, max(1.6, 0.17 * len(slots) + 0.7))
    panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        stages = [head.stage(name) for head in hops]
        values = np.stack([tape.of(stage.weights)[-1, slots] for stage in stages], 1)
        similarity = stages[0].kind == "similarity"
        limit = round_up(float(np.abs(values).max(initial=0))) if similarity else 1.0
        prepare(axes, title=name.capitalize())
        colour_bar(heat_map(axes, values, scale="signed" if similarity else "unit", limit=limit), axes)
        axes.set_xticks(range(len(hops)), [head.name for head in hops])
        if not similarity:
            _write(axes, values)
    panels[0].set_yticks(range(len(slots)), tape.slot_names(slots))
    return figure


def _write(axes: Axes, values: NDArray[np.floating]) -> None:
    for row, column in np.argwhere(values >= WRITTEN):
        value = values[row, column]
        colour = "white" if value < DARK else "black"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=SMALL)
