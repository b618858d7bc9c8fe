"""The memory before, during and after a sequence."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neuraltape.nn.trace import Trace
from neuraltape.plotting.focus import label_slots
from neuraltape.plotting.layout import BELOW, KEYS, LEFT, MARGIN, TITLE, WIDTH, Key, draw_keys, in_rows, new_figure
from neuraltape.plotting.style import heat_map, prepare, scale_of
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
    keys = in_rows([Key("signed", limit, "value")])
    height = min(5.2, max(1.1, 0.085 * len(slots)))
    figure = new_figure(WIDTH, TITLE + height + BELOW + KEYS)
    step = (WIDTH - LEFT) / len(pictures)
    for number, (title, values) in enumerate(pictures):
        axes = figure.panel(LEFT + number * step, TITLE, step - MARGIN, height)
        prepare(axes, title=title, x="element", y="" if number else "slot")
        heat_map(axes, values, scale="signed", limit=limit)
        label_slots(axes, tape.slot_names(slots), height, named=number == 0)
    draw_keys(figure, keys)
    return figure


def _moments(tape: Tape, steps: tuple[int, ...] | None) -> tuple[int, ...]:
    if steps is None:
        even: NDArray[np.floating] = np.linspace(0, tape.steps, min(MOMENTS, tape.steps) + 1)[1:]
        return tuple(round(each) - 1 for each in even)
    for step in steps:
        if not 0 <= step < tape.steps:
            raise ValueError(f"steps must be from 0 to {tape.steps - 1}, the steps of this sequence; got {step}")
    return steps
