"""One head's addressing at one step, stage by stage: figure 2 of the paper, with its numbers."""

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neuraltape.functional import content_weights
from neuraltape.nn.trace import Trace
from neuraltape.plotting.style import BLUE, FAINT, GREEN, INK, RED, SMALL, WIDTH, new_figure, prepare_curve
from neuraltape.plotting.tape import Tape

# A bar's number is written when it is at least this high and there is room.
WRITTEN, ROOM = 0.05, 24


def plot_stages(trace: Trace, *, step: int, head: str = "write 1", sequence: int = 0) -> Figure:
    """The whole pipeline on one axis: match with the key, content weights, gate, shift, sharpening.

    As figure 2 of Graves, Wayne and Danihelka (2014), arXiv 1410.5401. Every weighting has the same scale, 0 to 1.

    Args:
        trace: a machine's run.
        step: which step, from 0.
        head: "read 1", "write 1", ..., as in `Trace.heads`.
        sequence: which of the trace's sequences.

    Raises:
        ValueError: the trace has no such step, head or sequence.
    """
    tape = Tape(trace, sequence)
    if not 0 <= step < tape.steps:
        raise ValueError(f"step must be from 0 to {tape.steps - 1}, the steps of this sequence; got {step}")
    if head not in trace.heads:
        raise ValueError(f"head must be one of {', '.join(trace.heads)}; got {head!r}")
    row = trace.heads.index(head)
    readers = trace.reads.shape[2]
    reads = row < readers
    stages = trace.read_stages if reads else trace.write_stages
    place = row if reads else row - readers
    slots = tape.slots_in_use()
    figure = new_figure(WIDTH, 4.6)
    panels = figure.subplots(5, 1, sharex=True, height_ratios=[0.8, 1, 1, 1, 1.15])
    colour = BLUE if reads else RED
    _match(panels[0], _similarity(tape, step, row, reads=reads)[slots])
    interface = trace.interface
    strength, gate, sharpness = (
        float(each[step, sequence, row]) for each in (interface.strength, interface.gate, interface.sharpness)
    )
    moves = zip(trace.shift_offsets, interface.shift[step, sequence, row].tolist(), strict=True)
    shift = ", ".join(f"{offset:+d}: {share:.2f}" if offset else f"0: {share:.2f}" for offset, share in moves)
    titles = (
        f"Look up: strength {strength:.2f}",
        f"Or stay: gate {gate:.2f} (outline: the focus one step before)",
        f"Move: shift {shift}",
        f"Sharpen: sharpness {sharpness:.2f}. The focus of {head} at step {step}",
    )
    for axes, title, weights in zip(panels[1:], titles, stages, strict=True):
        last = axes is panels[-1]
        _bars(axes, title, tape.of(weights)[step, place, slots], colour, strong=last)
    panels[2].bar(
        range(len(slots)), _before(tape, step, place, reads=reads)[slots], 0.86, color="none", edgecolor=FAINT
    )
    shown = np.flatnonzero(slots % max(1, round(len(slots) / 16)) == 0)
    panels[-1].set_xticks(shown, [str(slot) for slot in slots[shown]])
    panels[-1].set_xlabel("slot", fontsize=SMALL, color=INK)
    panels[-1].set_xlim(-0.6, len(slots) - 0.4)
    return figure


def _match(axes: Axes, similarity: NDArray[np.floating]) -> None:
    prepare_curve(axes, title="Match: cosine of the key with each slot")
    axes.bar(range(len(similarity)), similarity, 0.86, color=GREEN)
    axes.axhline(0, color=FAINT, linewidth=0.6)
    axes.set_ylim(-1, 1)


def _bars(axes: Axes, title: str, weights: NDArray[np.floating], colour: str, *, strong: bool) -> None:
    prepare_curve(axes, title=title)
    axes.bar(range(len(weights)), weights, 0.86, color=colour, alpha=1.0 if strong else 0.6)
    axes.set_ylim(0, 1.18)
    axes.set_yticks([0, 0.5, 1])
    if len(weights) <= ROOM:
        for place in np.flatnonzero(weights >= WRITTEN):
            axes.annotate(
                f"{weights[place]:.2f}",
                (place, weights[place]),
                (0, 1),
                textcoords="offset points",
                ha="center",
                fontsize=SMALL - 1,
            )


def _similarity(tape: Tape, step: int, row: int, *, reads: bool) -> NDArray[np.floating]:
    """Write heads look at the memory before the step's write, read heads after it; (slots,)."""
    trace, sequence = tape.trace, tape.sequence
    seen = trace.memory[step if reads else step - 1, sequence] if reads or step else trace.initial.memory[sequence]
    key = trace.interface.key[step, sequence, row].double()[None, None]
    # With strength 1 the weights are exp(similarity) over their sum; adding a slot that matches exactly gives the sum.
    memory = torch.cat([seen.double(), key[0]])[None]
    logarithms = content_weights(memory, key, key.new_ones(1, 1))[0, 0].log()
    return (logarithms[:-1] - logarithms[-1] + 1).numpy()


def _before(tape: Tape, step: int, place: int, *, reads: bool) -> NDArray[np.floating]:
    weights = tape.read_weights if reads else tape.write_weights
    if step:
        return weights[step - 1, place]
    first = tape.trace.initial.read_weights if reads else tape.trace.initial.write_weights
    return first[tape.sequence, place].double().numpy()
