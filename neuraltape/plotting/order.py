"""In which order slots were written: the links of the Differentiable Neural Computer, of any machine that writes."""

import torch
from matplotlib.figure import Figure

from neuraltape.functional import link, precedence
from neuraltape.nn.trace import Trace
from neuraltape.plotting.focus import label_slots
from neuraltape.plotting.layout import BELOW, KEYS, LEFT, MARGIN, TITLE, WIDTH, Key, draw_keys, in_rows, new_figure
from neuraltape.plotting.style import heat_map, name_marks, prepare
from neuraltape.plotting.tape import Tape

MOMENTS = 3


def plot_order(trace: Trace, *, sequence: int = 0) -> Figure:
    """Which slot was written right after which, at three moments and the end: the link matrix of Graves et al. (2016).

    It follows from where the write head looked. A row that is dark in a column says: this slot was written after that
    one. A tape that is written slot by slot has its links beside the diagonal.

    Args:
        trace: the run of a machine with one write head, from its own start.
        sequence: which of its sequences.

    Raises:
        ValueError: the trace has no such sequence, or another number of write heads than one.
    """
    tape = Tape(trace, sequence)
    writers = tape.heads("write")
    if len(writers) != 1:
        raise ValueError(f"trace must have one write head; it has {len(writers)}")
    slots = tape.slots_in_use()
    shown = sorted({round(tape.steps * part / (MOMENTS + 1)) - 1 for part in range(1, MOMENTS + 2)} - {-1})
    links, last, pictures = torch.zeros(1, trace.slots, trace.slots), torch.zeros(1, trace.slots), []
    for step, weights in enumerate(writers[0].weights[: tape.steps, sequence].float()):
        links, last = link(links, last, weights.unsqueeze(0)), precedence(last, weights.unsqueeze(0))
        if step in shown:
            pictures.append(links[0][slots][:, slots].double().numpy())
    step = (WIDTH - LEFT) / max(2, len(shown))
    side = step - MARGIN
    figure = new_figure(WIDTH, TITLE + side + BELOW + KEYS)
    names = tape.slot_names(slots)
    for number, (moment, values) in enumerate(zip(shown, pictures, strict=True)):
        axes = figure.panel(LEFT + number * step, TITLE, side, side)
        prepare(axes, title=f"after step {moment}", x="after slot", y="" if number else "slot")
        heat_map(axes, values, scale="unit", limit=1.0)
        rows = label_slots(axes, names, side, named=number == 0)
        name_marks(axes.xaxis, rows, [names[row] for row in rows])
    draw_keys(figure, in_rows([Key("unit", 1.0, "link")]))
    return figure
