"""In which order slots were written: the links of the Differentiable Neural Computer, of any machine that writes."""

import torch
from matplotlib.figure import Figure

from neuraltape.functional import link, precedence
from neuraltape.nn.trace import Trace
from neuraltape.plotting.focus import label_slots
from neuraltape.plotting.style import WIDTH, colour_bar, heat_map, new_figure, prepare
from neuraltape.plotting.tape import Tape

MOMENTS = 3


def plot_order(trace: Trace, *, sequence: int = 0) -> Figure:
    """Which slot was written right after which, at three moments and the end: the link matrix of Graves et al. (2016).

    It follows from where the write head looked. A row that is bright in a column says: this slot was written after that
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
    figure = new_figure(WIDTH, WIDTH / len(shown) + 0.3)
    panels = figure.subplots(1, len(shown), sharex=True, sharey=True, squeeze=False)[0]
    names = tape.slot_names(slots)
    image = None
    for number, (axes, step, values) in enumerate(zip(panels, shown, pictures, strict=True)):
        prepare(axes, title=f"after step {step}", x="after slot", y="" if number else "slot")
        image = heat_map(axes, values, scale="unit", limit=1.0)
        label_slots(axes, names)
        axes.set_xticks(axes.get_yticks(), [names[int(row)] for row in axes.get_yticks()])
    assert image is not None
    colour_bar(image, list(panels), "link")
    return figure
