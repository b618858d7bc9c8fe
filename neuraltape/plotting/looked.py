"""Where read heads looked while they answered, by the names of the slots: a walk through what was told."""

import numpy as np
from matplotlib.figure import Figure

from neuraltape.nn.trace import Trace
from neuraltape.plotting.focus import label_slots, spoken
from neuraltape.plotting.layout import (
    BELOW,
    KEYS,
    MARGIN,
    TITLE,
    WIDTH,
    Key,
    draw_keys,
    in_rows,
    new_figure,
    text_width,
)
from neuraltape.plotting.style import heat_map, name_marks, prepare
from neuraltape.plotting.tape import Tape

# A slot is shown if a read head put this much of its focus there; of very many those that were looked at most.
LOOKED, MOST, FEW = 0.1, 40, 5


def plot_looked(trace: Trace, *, sequence: int = 0) -> Figure:
    """The named slots that read heads looked at, in the order in which they first did, a panel a head.

    Shown are the steps that are scored and as many before them, in which most tasks ask; all steps where nobody says
    which are scored.

    Args:
        trace: the run of a machine whose slots have names.
        sequence: which of its sequences.

    Raises:
        ValueError: the trace has no such sequence, no read head or no names, or no head looked at a slot with a name.
    """
    tape = Tape(trace, sequence)
    readers = tape.heads("read")
    if not readers or trace.labels is None:
        raise ValueError("trace must have read heads, and names of its slots")
    first, last = _shown(tape)
    focus = np.stack([tape.of(head.weights)[first:last] for head in readers])
    named = np.array([label != "" for label in trace.labels[sequence]])
    if not named.any():
        raise ValueError("trace must have read heads, and names of its slots")
    most = np.argsort(np.where(named, -focus.max((0, 1)), np.inf), kind="stable")[: min(MOST, int(named.sum()))]
    # Where no head looks at any slot in particular a few stand for all.
    most = most[: int((focus.max((0, 1))[most] >= LOOKED).sum()) or FEW]
    slots = most[np.argsort((focus.max(0)[:, most] >= LOOKED).argmax(0), kind="stable")]
    names = tape.slot_names(slots)
    left = min(WIDTH / 2, max(map(text_width, names), default=0.0) + 0.12)
    high, step = 0.17 * len(slots), (WIDTH - left) / len(readers)
    figure = new_figure(WIDTH, TITLE + high + BELOW + KEYS)
    for number, (head, values) in enumerate(zip(readers, focus, strict=True)):
        axes, title = figure.panel(left + number * step, TITLE, step - MARGIN, high), spoken(head)
        prepare(axes, title=title[0].upper() + title[1:], x="step")
        heat_map(axes, values[:, slots].T, scale="unit")
        steps = range(0, last - first, max(1, (last - first) // 6))
        name_marks(axes.xaxis, steps, [str(first + step) for step in steps])
        label_slots(axes, names, high, named=number == 0)
    draw_keys(figure, in_rows([Key("unit", 1.0, "weight")], left=left))
    return figure


def _shown(tape: Tape) -> tuple[int, int]:
    """The steps that are shown: from the first to before the last."""
    if tape.trace.scored is None:
        return 0, tape.steps
    scored = np.flatnonzero(tape.of(tape.trace.scored))
    if not scored.size:
        return 0, tape.steps
    return max(0, int(scored[0]) - int(scored.size)), int(scored[-1]) + 1
