"""The memory before, during and after a sequence."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neuraltape.nn.trace import Trace
from neuraltape.plotting.focus import label_slots
from neuraltape.plotting.style import WIDTH, colour_bar, heat_map, new_figure, prepare, scale_of
from neuraltape.plotting.tape import Tape

MOMENTS = 5


def plot_memory(trace: Trace, *, sequence: int = 0, steps: tuple[int, ...] | None = None) -> Figure:
    """The memory before the first step and after some others, on one scale; only slots in use.

    Args:
        trace: a machine's run.
        sequence: which of its sequences.
        steps: after which steps, counted from 0; None: some evenly spaced ones, and the last.

    Raises:
        ValueError: the trace has no such sequence or step, or no memory.
    """
    if trace.memory is None or trace.first_memory is None:
        raise ValueError(f"trace must have a memory over time; this one ({trace.machine}) has none")
    tape = Tape(trace, sequence)
    shown = _moments(tape, steps)
    memory = tape.of(trace.memory)
    before = trace.first_memory[sequence].double().numpy()
    slots = tape.slots_in_use()
    pictures = [("before", before[slots])] + [(f"after step {step}", memory[step][slots]) for step in shown]
    limit = scale_of(np.append(np.concatenate([values for _, values in pictures]).ravel(), -1e-6))[1]
    figure = new_figure(WIDTH, min(6.0, max(1.9, 0.085 * len(slots) + 0.8)))
    axes = figure.subplots(1, len(pictures), sharex=True, sharey=True, squeeze=False)[0]
    images = []
    for number, (one, (title, values)) in enumerate(zip(axes, pictures, strict=True)):
        prepare(one, title=title, x="element", y="" if number else "slot")
        images.append(heat_map(one, values, scale="signed", limit=limit))
    label_slots(axes[0], tape.slot_names(slots))
    colour_bar(images[0], list(axes), "value")
    return figure


def _moments(tape: Tape, steps: tuple[int, ...] | None) -> tuple[int, ...]:
    if steps is None:
        even: NDArray[np.floating] = np.linspace(0, tape.steps, min(MOMENTS, tape.steps) + 1)[1:]
        return tuple(round(each) - 1 for each in even)
    for step in steps:
        if not 0 <= step < tape.steps:
            raise ValueError(f"steps must be from 0 to {tape.steps - 1}, the steps of this sequence; got {step}")
    return steps
