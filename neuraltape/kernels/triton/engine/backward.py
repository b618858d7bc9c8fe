"""A whole sequence backward: one program a sequence, the loop over time inside. See `forward` for what lies where.

What goes from a step to the one before it lies in two places, one of which a step reads while it writes the other: t
steps from the first one, the gradient of the state after t steps lies in place t % 2.
"""

import triton
import triton.language as tl

from neuraltape.kernels.triton.lib.cells import gru_backward, lstm_backward
from neuraltape.kernels.triton.lib.products import product
from neuraltape.kernels.triton.lib.tiles import load_memory, store_memory


@triton.jit
def layer_backward(call, layer: tl.constexpr, b, at, before, now, came, goes, one, z: tl.constexpr):
    """One layer, one step: the gradients of its products, then of what they were made of."""
    state = z.layers * z.hidden
    units, given = layer * z.hidden, call.dgiven + at * (z.hidden + z.reads)
    dgates = call.dgates + (at * z.layers + layer) * (z.kept_parts * z.hidden)
    for j0 in range(0, z.hidden, z.block):
        j = j0 + tl.arange(0, z.block)
        valid = j < z.hidden
        if layer == z.layers - 1:
            dhidden = tl.load(given + j, mask=valid, other=0.0)
            draw = call.draw + at * z.emitted
            dhidden += product(draw, z.emitted, call.interface, j0, z.padded_hidden, z.depth, z.block, one)
        else:
            dhidden = tl.load(call.dabove + b * z.hidden + j, mask=valid, other=0.0)
        if z.cell == "feedforward":
            hidden = tl.load(call.rows + now * z.row + units + j, mask=valid, other=0.0)
            tl.store(dgates + j, dhidden * (1.0 - hidden * hidden), mask=valid)
        else:
            dhidden += tl.load(call.dhidden + came * state + units + j, mask=valid, other=0.0)
            gates = call.gates + (at * z.layers + layer) * (z.kept_parts * z.hidden) + j
            g0 = tl.load(gates, mask=valid, other=0.0)
            g1 = tl.load(gates + z.hidden, mask=valid, other=0.0)
            g2 = tl.load(gates + 2 * z.hidden, mask=valid, other=0.0)
            g3 = tl.load(gates + 3 * z.hidden, mask=valid, other=0.0)
            if z.cell == "lstm":
                cells, dcells = call.cells + units + j, call.dcell + units + j
                old = tl.load(cells + before * state, mask=valid, other=0.0)
                new = tl.load(cells + now * state, mask=valid, other=0.0)
                dcell = tl.load(dcells + came * state, mask=valid, other=0.0)
                d0, d1, d2, d3, dcell = lstm_backward(g0, g1, g2, g3, old, new, dhidden, dcell, j, z.linear)
                tl.store(dcells + goes * state, dcell, mask=valid)
                tl.store(dgates + j, d0, mask=valid)
                tl.store(dgates + z.hidden + j, d1, mask=valid)
                tl.store(dgates + 2 * z.hidden + j, d2, mask=valid)
            else:
                old = tl.load(call.rows + before * z.row + units + j, mask=valid, other=0.0)
                d0, d1, d2, d3, through = gru_backward(g0, g1, g2, g3, old, dhidden)
                tl.store(call.through + b * z.hidden + j, through, mask=valid)
                # The candidate first: what the product below needs is then in a row, and so is what the other needs.
                tl.store(dgates + j, d2, mask=valid)
                tl.store(dgates + z.hidden + j, d0, mask=valid)
                tl.store(dgates + 2 * z.hidden + j, d1, mask=valid)
            tl.store(dgates + 3 * z.hidden + j, d3, mask=valid)
    tl.debug_barrier()
    if z.cell != "feedforward":
        own = call.own + layer * z.own_rows_up * z.padded_hidden
        row = dgates + (z.kept_parts - z.own_parts) * z.hidden
        for j0 in range(0, z.hidden, z.block):
            j = j0 + tl.arange(0, z.block)
            dhidden = product(row, z.own_parts * z.hidden, own, j0, z.padded_hidden, z.depth, z.block, one)
            if z.cell == "gru":
                dhidden += tl.load(call.through + b * z.hidden + j, mask=j < z.hidden, other=0.0)
            tl.store(call.dhidden + goes * state + units + j, dhidden, mask=j < z.hidden)
    if layer == 0:
        for j0 in range(0, z.reads, z.block):
            j = j0 + tl.arange(0, z.block)
            dreads = product(dgates, z.parts * z.hidden, call.below, j0, z.padded_reads, z.depth, z.block, one)
            tl.store(call.dreads + goes * z.reads + j, dreads, mask=j < z.reads)
    else:
        below = call.below + z.rows_up * (z.padded_reads + (layer - 1) * z.padded_hidden)
        for j0 in range(0, z.hidden, z.block):
            j = j0 + tl.arange(0, z.block)
            dbelow = product(dgates, z.parts * z.hidden, below, j0, z.padded_hidden, z.depth, z.block, one)
            tl.store(call.dabove + b * z.hidden + j, dbelow, mask=j < z.hidden)
    tl.debug_barrier()


@triton.jit
def step_backward(call, b, t, batch, before, old, dmemory, one, back: tl.constexpr, z: tl.constexpr):
    """One step. `before`: row of the state before it; `old`: where the memory before it lies.

    Returns the gradient of that memory.
    """
    at, now = t * batch + b, (t + 1) * batch + b
    came, goes = ((t + 1) % 2) * batch + b, (t % 2) * batch + b
    dgiven = call.dgiven + at * (z.hidden + z.reads) + z.hidden
    dmemory = back(
        old, call.raw + at * z.emitted, call.notes + before * z.notes, call.notes + now * z.notes, dmemory,
        call.dnotes + came * z.carried, call.dreads + came * z.reads, dgiven, call.draw + at * z.emitted,
        call.dnotes + goes * z.carried, call.room + b * z.room, z,
    )  # fmt: skip
    tl.debug_barrier()
    for index in tl.static_range(z.layers):
        layer_backward(call, z.layers - 1 - index, b, at, before, now, came, goes, one, z)
    return dmemory


@triton.jit
def set_aside(slopes, start, size: tl.constexpr, z: tl.constexpr):
    """Add a gradient to that of the state that a row began anew with; what was before gets none of it."""
    for i0 in range(0, size, z.block):
        i = i0 + tl.arange(0, z.block)
        summed = tl.load(start + i, mask=i < size, other=0.0) + tl.load(slopes + i, mask=i < size, other=0.0)
        tl.debug_barrier()
        tl.store(start + i, summed, mask=i < size)
        tl.store(slopes + i, tl.zeros_like(summed), mask=i < size)


@triton.jit
def begin_backward(call, b, t, batch, dmemory, z: tl.constexpr):
    """Backward of a row that begins anew at step t. Returns the gradient of the memory before: 0."""
    goes, state = (t % 2) * batch + b, z.layers * z.hidden
    if z.cell != "feedforward":
        set_aside(call.dhidden + goes * state, call.dstart_hidden + b * state, state, z)
    if z.cell == "lstm":
        set_aside(call.dcell + goes * state, call.dstart_cell + b * state, state, z)
    set_aside(call.dreads + goes * z.reads, call.dstart_reads + b * z.reads, z.reads, z)
    set_aside(call.dnotes + goes * z.carried, call.dstart_notes + b * z.carried, z.carried, z)
    start = call.dstart_memory + b * (z.slots * z.width)
    summed = load_memory(start, z) + dmemory
    tl.debug_barrier()
    store_memory(start, summed, z)
    tl.debug_barrier()
    return tl.zeros_like(dmemory)


@triton.jit(do_not_specialize=["time", "batch", "segment", "resets"])
def backward(call, time, batch, segment, resets, replay: tl.constexpr, back: tl.constexpr, z: tl.constexpr):
    """All steps of sequence number `program_id`, from its last one on, a segment at a time.

    The memory is kept at every segment's start. From there its steps' writes are done once more: `replay`, which is the
    access's as `back` is. See `engine.access`.
    """
    b = tl.program_id(0).to(tl.int64)
    size = z.slots * z.width
    # See `products`.
    one = tl.minimum(segment, 1)
    steps = tl.maximum(tl.minimum(tl.load(call.lengths + b).to(tl.int32), time), 0)
    dmemory = load_memory(call.dmemory + b * size, z)
    segments = (steps + segment - 1) // segment
    for s in tl.range(segments, disable_licm=True):
        first = (segments - 1 - s) * segment
        count = tl.minimum(segment, steps - first)
        replayed = call.replayed + b * segment * size
        memory = load_memory(call.checkpoints + ((segments - 1 - s) * batch + b) * size, z)
        for i in tl.range(count, disable_licm=True):
            t = first + i
            before = t * batch + b
            if resets != 0:
                if tl.load(call.reset + t * batch + b) != 0:
                    memory = load_memory(call.start_memory + b * size, z)
                    before = (time + 1) * batch + b
            store_memory(replayed + i * size, memory, z)
            now = (t + 1) * batch + b
            raw = call.raw + (t * batch + b) * z.emitted
            memory = replay(memory, raw, call.notes + before * z.notes, call.notes + now * z.notes, z)
        tl.debug_barrier()
        for i in tl.range(count, disable_licm=True):
            t = first + count - 1 - i
            before = t * batch + b
            if resets != 0:
                if tl.load(call.reset + t * batch + b) != 0:
                    before = (time + 1) * batch + b
            old = replayed + (count - 1 - i) * size
            dmemory = step_backward(call, b, t, batch, before, old, dmemory, one, back, z)
            if resets != 0:
                if tl.load(call.reset + t * batch + b) != 0:
                    dmemory = begin_backward(call, b, t, batch, dmemory, z)
        tl.debug_barrier()
    store_memory(call.dmemory + b * size, dmemory, z)
