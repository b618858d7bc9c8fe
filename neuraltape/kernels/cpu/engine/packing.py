"""From parameters to what the matrix products read, and from the products' gradients back to those of the parameters.

A layer's parameters become one matrix: rows of gates (the GRU's candidate twice, see cells.py) over columns of
everything the layer sees: first layer reads, hidden, input, 1; other layers hidden, below, 1; interface: hidden, 1;
output layer, where it takes part: hidden, 1, reads.
A task is as many rows as a vector has lanes.
"""

from neuraltape.kernels.cpu.engine.plan import Sizes
from neuraltape.kernels.cpu.lib.cells import FEEDFORWARD, GRU
from neuraltape.kernels.cpu.lib.compiler import helper, kernel
from neuraltape.kernels.cpu.lib.job import parts_of, task
from neuraltape.kernels.cpu.lib.simd import copy, floats, keep_apart, load, splat, store, transpose


@helper
def tasks_of_a_layer(z):
    """How many tasks a layer's rows make."""
    return (z.gate_columns + z.vector - 1) // z.vector


@helper
def layer_of(z, number):
    """Which layer a task belongs to, z.layers for the interface, one more for the output layer; and its first row."""
    layer = min(number // tasks_of_a_layer(z), z.layers)
    number -= layer * tasks_of_a_layer(z)
    of_interface = (z.parameters + z.vector - 1) // z.vector
    if layer == z.layers and number >= of_interface:
        return layer + 1, (number - of_interface) * z.vector
    return layer, number * z.vector


@helper
def source_rows(z, row):
    """Rows of the parameters of the input and of the hidden state that a row of gates is made of; -1: of none."""
    if z.cell == FEEDFORWARD:
        return row, -1
    if z.cell == GRU and row >= 3 * z.hidden:
        return -1, row - z.hidden
    if z.cell == GRU and row >= 2 * z.hidden:
        return row, -1
    return row, row


@helper
def load_row(z, layer, row, weights_at, work, place):
    """Put one row of a layer's matrix together. weights_at: addresses of all parameters."""
    keep_apart()
    width = z.columns_first if layer == 0 else z.columns_other
    if layer >= z.layers:
        width = z.hidden + 1 + z.reads * (layer - z.layers)
    for i in range(place, place + width + z.vector):
        work[i] = 0.0
    if layer >= z.layers:
        own = z.layers * (2 if z.cell == FEEDFORWARD else 4) + 2 * (layer - z.layers)
        beside = z.reads * (layer - z.layers)
        weight, start = floats(work, weights_at[own]), row * (z.hidden + beside)
        copy(weight, start, work, place, z.hidden)
        work[place + z.hidden] = floats(work, weights_at[own + 1])[row]
        copy(weight, start + z.hidden, work, place + z.hidden + 1, beside)
        return
    own = layer * (2 if z.cell == FEEDFORWARD else 4)
    of_below, of_hidden = source_rows(z, row)
    reads = z.reads
    hidden = place + (reads if layer == 0 else 0)
    below = hidden + (0 if z.cell == FEEDFORWARD else z.hidden)
    bias = 0.0
    if of_below >= 0:
        weight = floats(work, weights_at[own])
        if layer == 0:
            start = of_below * (z.inputs + reads)
            copy(weight, start, work, below, z.inputs)
            copy(weight, start + z.inputs, work, place, reads)
        else:
            copy(weight, of_below * z.hidden, work, below, z.hidden)
        bias += floats(work, weights_at[own + (1 if z.cell == FEEDFORWARD else 2)])[of_below]
    if of_hidden >= 0:
        copy(floats(work, weights_at[own + 1]), of_hidden * z.hidden, work, hidden, z.hidden)
        bias += floats(work, weights_at[own + 3])[of_hidden]
    work[place + width - 1] = bias


@helper
def store_row(z, layer, row, work, place, weights_at):
    """Put one row of a layer's gradient where those of the parameters lie."""
    keep_apart()
    if layer >= z.layers:
        own = z.layers * (2 if z.cell == FEEDFORWARD else 4) + 2 * (layer - z.layers)
        beside = z.reads * (layer - z.layers)
        weight, start = floats(work, weights_at[own]), row * (z.hidden + beside)
        copy(work, place, weight, start, z.hidden)
        floats(work, weights_at[own + 1])[row] = work[place + z.hidden]
        copy(work, place + z.hidden + 1, weight, start + z.hidden, beside)
        return
    own = layer * (2 if z.cell == FEEDFORWARD else 4)
    of_below, of_hidden = source_rows(z, row)
    reads = z.reads
    hidden = place + (reads if layer == 0 else 0)
    below = hidden + (0 if z.cell == FEEDFORWARD else z.hidden)
    bias = work[place + (z.columns_first if layer == 0 else z.columns_other) - 1]
    if of_below >= 0:
        weight = floats(work, weights_at[own])
        if layer == 0:
            start = of_below * (z.inputs + reads)
            copy(work, below, weight, start, z.inputs)
            copy(work, place, weight, start + z.inputs, reads)
        else:
            copy(work, below, weight, of_below * z.hidden, z.hidden)
        floats(work, weights_at[own + (1 if z.cell == FEEDFORWARD else 2)])[of_below] = bias
    if of_hidden >= 0:
        copy(work, hidden, floats(work, weights_at[own + 1]), of_hidden * z.hidden, z.hidden)
        floats(work, weights_at[own + 3])[of_hidden] = bias


@helper
def pack_rows(z, number, call, weights_at, work):
    """One task of `pack`."""
    keep_apart()
    forward, backward = floats(work, call.panels), floats(work, call.back)
    layer, first = layer_of(z, number)
    rows, seen, back, source = z.gate_columns, z.columns_other, z.columns_other - 1, z.pack_other
    target, distance = z.back_other + (layer - 1) * z.back_layer, z.ld_pack
    source += (layer - 1) * z.pack_layer
    if layer == 0:
        seen, back, source, target = z.columns_first, z.columns_first - 1, 0, 0
    if layer == z.layers:
        rows, seen, back = z.parameters, z.hidden + 1, z.hidden
        source, target = z.pack_interface, z.back_interface
    if layer > z.layers:
        rows, seen, back = z.targets, z.hidden + 1 + z.reads, z.hidden + 1 + z.reads
        source, target = z.pack_output, z.back_output
    for lane in range(z.vector):
        if first + lane < rows:
            load_row(z, layer, first + lane, weights_at, work, lane * distance)
        else:
            for i in range(lane * distance, lane * distance + seen):
                work[i] = 0.0
    panel = source + first * seen
    whole = seen // z.vector * z.vector
    for column in range(0, whole, z.vector):
        transpose(work, column, distance, forward, panel + column * z.vector, z.vector)
    # The next panel may be another thread's.
    for column in range(whole, seen):
        for lane in range(z.vector):
            forward[panel + column * z.vector + lane] = work[lane * distance + column]
    if call.back != 0:
        for start in range(0, back, z.vector):
            for lane in range(min(z.vector, rows - first)):
                place = target + start * rows + (first + lane) * z.vector
                store(backward, place, load(work, lane * distance + start))


@helper
def collect_rows(z, number, call, weights_at, work):
    """One task of `collect`."""
    keep_apart()
    gradients = floats(work, call.gradients)
    layer, first = layer_of(z, number)
    rows, seen, start, row_size = z.gate_columns, z.columns_other, z.grad_other + (layer - 1) * z.grad_layer, z.ld_other
    if layer == 0:
        seen, start, row_size = z.columns_first, 0, z.ld_first
    if layer == z.layers:
        rows, seen, start, row_size = z.parameters, z.hidden + 1, z.grad_interface, z.ld_top
    if layer > z.layers:
        rows, seen, start, row_size = z.targets, z.hidden + 1 + z.reads, z.grad_output, z.ld_top
    for row in range(first, min(first + z.vector, rows)):
        for i in range(0, seen, z.vector):
            summed, place = splat(work, 0.0), start + row * row_size + i
            for lane in range(z.lanes):
                summed = summed + load(gradients, lane * z.grad_size + place)
            store(work, i, summed)
        store_row(z, layer, row, work, 0, weights_at)


GIVEN_PACK, GIVEN_COLLECT = ("panels", "back"), ("gradients",)
_parts_of_pack, _parts_of_collect = (parts_of(Sizes._fields, given) for given in (GIVEN_PACK, GIVEN_COLLECT))


@kernel("pack")
def pack(job):
    """Parameters into panels.

    It is given addresses of the panels over the gates (for the forward pass) and of those over what a layer sees (for
    the backward pass; 0: not wanted), then those of all parameters, as in the public signature.
    """
    z, call, weights_at, work = _parts_of_pack(job)
    number = task(job)
    while number >= 0:
        pack_rows(z, number, call, weights_at, work)
        number = task(job)


@kernel("collect")
def collect(job):
    """Sum the lanes' gradients, lane after lane, into those of the parameters.

    It is given the address of (lanes, grad_size), then those of all parameters' gradients, as in the public signature.
    """
    z, call, weights_at, work = _parts_of_collect(job)
    number = task(job)
    while number >= 0:
        collect_rows(z, number, call, weights_at, work)
        number = task(job)
