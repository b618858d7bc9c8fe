"""One step of one sequence once more, from what the forward pass kept: what is cheaper to compute than to fetch."""

from neuraltape.kernels.cpu.engine.forward import column_start
from neuraltape.kernels.cpu.lib.cells import FEEDFORWARD, cell_replay
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import copy, keep_apart
from neuraltape.kernels.cpu.ntm.memory import write


@helper
def replay(z, t, row, b, saved, base, s, work, seen, top, states, squashed, memories, inputs, given, reads0):
    """Bring back one row of one step: what the layers saw, the states and the memory after it.

    seen, top: places of this row; states, memories: places before the step, the places after it lie one step further.
    """
    keep_apart()
    recurrent = 0 if z.cell == FEEDFORWARD else z.hidden
    read_width = z.reading * z.width
    if t == 0:
        copy(reads0, b * read_width, work, seen, read_width)
    else:
        copy(given, ((t - 1) * z.batch + b) * (z.hidden + read_width) + z.hidden, work, seen, read_width)
    copy(inputs, (t * z.batch + b) * z.inputs, work, seen + read_width + recurrent, z.inputs)
    work[seen + z.columns_first - 1] = 1.0
    size = z.layers * 2 * z.ld_hidden
    for layer in range(z.layers):
        place = seen + column_start(layer, z)
        old = states + layer * 2 * z.ld_hidden
        new = old + z.rows * size
        gates = base + ((t * z.rows + s) * z.layers + layer) * z.ld_gates
        cell_replay(
            z.cell, saved, gates, work, old, new, old + z.ld_hidden, new + z.ld_hidden, squashed + layer * z.ld_hidden,
            z.hidden, z.vector,
        )  # fmt: skip
        if recurrent > 0:
            copy(work, old, work, place + (read_width if layer == 0 else 0), z.hidden)
        if layer > 0:
            copy(work, new - 2 * z.ld_hidden, work, place + recurrent, z.hidden)
            work[place + z.columns_other - 1] = 1.0
    copy(work, states + z.rows * size + (z.layers - 1) * 2 * z.ld_hidden, work, top, z.hidden)
    work[top + z.hidden] = 1.0
    p = base + z.saved_parameters + (t * z.rows + s) * z.ld_parameters
    weights = base + z.saved_weights + ((t + 1) * z.rows + s) * z.ld_weights + z.reading * z.padded
    write(
        work, memories, memories + z.rows * z.ld_memory, saved, weights, saved, p + z.erase, p + z.add, z.writing,
        z.tiles, z.width, z.vector,
    )  # fmt: skip
