"""A whole sequence forward: one program a sequence, the loop over time inside.

Whatever another lane of the program needs goes through memory: it is stored, all lanes wait at a barrier, and it is
loaded. Programs share nothing but what none of them writes, and no place is written again before a barrier lies
between that and all loads of what it held.
"""

import triton
import triton.language as tl

from neuraltape.kernels.triton.lib.cells import gru, lstm
from neuraltape.kernels.triton.lib.formulas import tanh
from neuraltape.kernels.triton.lib.products import product, products
from neuraltape.kernels.triton.lib.tiles import load_memory, store_memory


@triton.jit
def row_of(t, keep):
    """Where the state after t steps lies in what is kept of cells and notes: two rows where nothing is kept."""
    return tl.where(keep != 0, t, t % 2)


@triton.jit
def layer_forward(call, layer: tl.constexpr, at, before, now, kept_before, kept_now, keep, one, z: tl.constexpr):
    """One layer, one step. `at`: t batch + b; `before`, `now`: rows; `kept_before`, `kept_now`: rows of cells."""
    own_row, row = call.rows + before * z.row + layer * z.hidden, call.rows + now * z.row
    own = call.own + layer * (z.own_parts * z.padded_hidden) * z.hidden_up
    below = call.below
    if layer > 0:
        below += (z.reads_up + (layer - 1) * z.hidden_up) * z.parts * z.padded_hidden
    bias = call.biases + layer * z.kept_parts * z.hidden
    for j0 in range(0, z.hidden, z.block):
        j = j0 + tl.arange(0, z.block)
        valid = j < z.hidden
        if layer == 0:
            reads = call.rows + before * z.row + z.layers * z.hidden
            b0, b1, b2, b3 = products(reads, z.reads, below, j0, z.padded_hidden, z.parts, z.depth, z.block, one)
            x = call.projected + at * (z.parts * z.hidden) + j
            b0 += tl.load(x, mask=valid, other=0.0)
            if z.parts > 1:
                b1 += tl.load(x + z.hidden, mask=valid, other=0.0)
                b2 += tl.load(x + 2 * z.hidden, mask=valid, other=0.0)
            if z.parts > 3:
                b3 += tl.load(x + 3 * z.hidden, mask=valid, other=0.0)
        else:
            lower = row + (layer - 1) * z.hidden
            b0, b1, b2, b3 = products(lower, z.hidden, below, j0, z.padded_hidden, z.parts, z.depth, z.block, one)
        b0 += tl.load(bias + j, mask=valid, other=0.0)
        gates = call.gates + (at * z.layers + layer) * (z.kept_parts * z.hidden) + j
        if z.cell == "feedforward":
            hidden = tanh(b0)
        else:
            o0, o1, o2, o3 = products(own_row, z.hidden, own, j0, z.padded_hidden, z.own_parts, z.depth, z.block, one)
            b1 += tl.load(bias + z.hidden + j, mask=valid, other=0.0)
            b2 += tl.load(bias + 2 * z.hidden + j, mask=valid, other=0.0)
            last = tl.load(bias + 3 * z.hidden + j, mask=valid, other=0.0)
            if z.cell == "lstm":
                cells = call.cells + layer * z.hidden + j
                cell = tl.load(cells + kept_before * (z.layers * z.hidden), mask=valid, other=0.0)
                g0, g1, g2, g3, cell, hidden = lstm(b0 + o0, b1 + o1, b2 + o2, b3 + o3 + last, cell, j, z.linear)
                tl.store(cells + kept_now * (z.layers * z.hidden), cell, mask=valid)
            else:
                g3 = o2 + last
                g0, g1, g2, hidden = gru(b0 + o0, b1 + o1, b2, g3, tl.load(own_row + j, mask=valid, other=0.0))
            if keep != 0:
                tl.store(gates, g0, mask=valid)
                tl.store(gates + z.hidden, g1, mask=valid)
                tl.store(gates + 2 * z.hidden, g2, mask=valid)
                tl.store(gates + 3 * z.hidden, g3, mask=valid)
        tl.store(row + layer * z.hidden + j, hidden, mask=valid)


@triton.jit(do_not_specialize=["time", "batch", "segment", "start", "keep"])
def forward(call, time, batch, segment, start, keep, step: tl.constexpr, z: tl.constexpr):
    """All steps of sequence number `program_id`.

    Args:
        segment: steps from one kept memory to the next.
        start: among cells and notes, the row of the state with which rows begin anew; 0: none does.
        keep: whether there will be a way back.
        step: the access's, see `engine.access`.
    """
    b = tl.program_id(0).to(tl.int64)
    # See `products`.
    one = tl.minimum(segment, 1)
    steps = tl.maximum(tl.minimum(tl.load(call.lengths + b).to(tl.int32), time), 0)
    memory = load_memory(call.memory0 + b * (z.slots * z.width), z)
    for t in tl.range(steps, disable_licm=True):
        at, now, kept_now = t * batch + b, (t + 1) * batch + b, row_of(t + 1, keep) * batch + b
        before, kept_before = at, row_of(t, keep) * batch + b
        if keep != 0:
            if t % segment == 0:
                store_memory(call.checkpoints + ((t // segment) * batch + b) * (z.slots * z.width), memory, z)
        if start != 0:
            if tl.load(call.reset + at) != 0:
                memory = load_memory(call.start_memory + b * (z.slots * z.width), z)
                before, kept_before = (time + 1) * batch + b, start * batch + b
        for layer in tl.static_range(z.layers):
            layer_forward(call, layer, at, before, now, kept_before, kept_now, keep, one, z)
            tl.debug_barrier()
        # What the controller emits for the heads.
        row, raw = call.rows + now * z.row, call.raw + tl.where(keep != 0, at, b) * z.emitted
        for p0 in range(0, z.emitted, z.block):
            p = p0 + tl.arange(0, z.block)
            hidden = row + (z.layers - 1) * z.hidden
            emitted = product(hidden, z.hidden, call.interface, p0, z.padded_emitted, z.depth, z.block, one)
            emitted += tl.load(call.interface_bias + p, mask=p < z.emitted, other=0.0)
            tl.store(raw + p, emitted, mask=p < z.emitted)
        tl.debug_barrier()
        notes_before, notes = call.notes + kept_before * z.notes, call.notes + kept_now * z.notes
        memory = step(memory, raw, notes_before, notes, row + z.layers * z.hidden, z)
        tl.debug_barrier()
    store_memory(call.memory1 + b * (z.slots * z.width), memory, z)
