"""What the write heads add and erase at every step."""

from matplotlib.figure import Figure

from neuraltape.nn.trace import Trace
from neuraltape.plotting.focus import draw_columns, write_panels
from neuraltape.plotting.tape import Tape


def plot_writes(trace: Trace, *, sequence: int = 0) -> Figure:
    """Adds on the left, from -1 to 1; erases on the right, from 0 to 1; a row for each write head.

    Args:
        trace: a machine's run.
        sequence: which of its sequences.

    Raises:
        ValueError: the trace has no such sequence.
    """
    tape = Tape(trace, sequence)
    pairs = [write_panels(tape, head) for head in range(tape.write_weights.shape[1])]
    return draw_columns([[adds for adds, _ in pairs], [erases for _, erases in pairs]], tape.steps, scale=1.7)
