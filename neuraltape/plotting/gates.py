"""What the heads' gates did over time, and how much each slot was in use."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neuraltape.nn.intervention import BOUNDS
from neuraltape.nn.trace import Head, Trace
from neuraltape.plotting.focus import Panel, draw_columns, head_panels, spoken
from neuraltape.plotting.tape import Tape, tick_name


def plot_gates(trace: Trace, *, sequence: int = 0) -> Figure:
    """Every number between 0 and 1 that acts on a head, over time, above its focus; writers left, readers right.

    As Extended Data figure 1 of Graves et al. (2016), doi 10.1038/nature20101: when a slot is allocated, when it is
    freed, how much each is in use. Numbers that have an entry a slot, such as the usage, have a panel of their own.

    Args:
        trace: a machine's run.
        sequence: which of its sequences.

    Raises:
        ValueError: the trace has no such sequence, or no head has such a number.
    """
    tape = Tape(trace, sequence)
    columns = gate_columns(tape)
    if not columns:
        raise ValueError(f"trace must have numbers from 0 to 1 that act on a head; this one ({trace.machine}) has none")
    return draw_columns(columns, tape.steps)


def gate_columns(tape: Tape) -> list[list[Panel]]:
    """The panels of all heads that have gates, the writers' on the left and the readers' on the right."""
    slots = tape.slots_in_use()
    kinds = [tape.heads("write"), tape.heads("read")]
    columns = [[panel for head in heads for panel in _of_head(tape, head, slots)] for heads in kinds]
    return [panels for panels in columns if panels]


def _of_head(tape: Tape, head: Head, slots: NDArray[np.integer]) -> list[Panel]:
    rows: dict[str, NDArray[np.floating]] = {}
    panels = []
    for stage in head.stages:
        for name, number in stage.numbers.items():
            values = tape.of(number)
            if BOUNDS.get(name, (0.0, 1.0)) != (0.0, 1.0) or values.min(initial=0) < 0 or values.max(initial=0) > 1:
                continue
            if name in stage.ticks:
                entries = stage.ticks[name]
                rows |= {f"{name} {tick_name(entry)}": values[:, place] for place, entry in enumerate(entries)}
            elif values.ndim == 1:
                rows[name.replace("_", " ")] = values
            elif values.shape[1] == tape.trace.slots:
                title = f"{name.capitalize()} seen by {spoken(head)}"
                panels.append(Panel(title, values[:, slots].T, "unit", 1.0, "slot", name, tape.slot_names(slots)))
    if not rows and not panels:
        return []
    gates = [Panel(f"Gates of {spoken(head)}", np.stack(list(rows.values())), "unit", 1.0, "", "value", list(rows))]
    return [*(gates if rows else []), *panels, head_panels(tape, head, slots)[-1]]
