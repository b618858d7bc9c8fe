"""What the write heads move at every step."""

from matplotlib.figure import Figure

from neuraltape.nn.trace import Trace
from neuraltape.plotting.focus import draw_columns, vector_panel
from neuraltape.plotting.tape import Tape


def plot_writes(trace: Trace, *, sequence: int = 0) -> Figure:
    """A column for each vector that write heads have, such as adds and erases, and in it a panel for each head.

    Args:
        trace: a machine's run.
        sequence: which of its sequences.

    Raises:
        ValueError: the trace has no such sequence, or no write heads.
    """
    tape = Tape(trace, sequence)
    heads = tape.heads("write")
    if not heads:
        raise ValueError(f"trace must have write heads; it has {', '.join(head.name for head in trace.heads)}")
    names = sorted({name for head in heads for name in head.vectors})
    columns = [[vector_panel(tape, head, name) for head in heads if name in head.vectors] for name in names]
    return draw_columns(columns, tape.steps, scale=1.7)
