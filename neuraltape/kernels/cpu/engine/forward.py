"""A whole sequence forward, for one block of sequences: the controller and the memory, step by step."""

from neuraltape.kernels.cpu.engine.direct import direct_interface, direct_layer, direct_output
from neuraltape.kernels.cpu.engine.plan import parts
from neuraltape.kernels.cpu.lib.cells import FEEDFORWARD, LSTM, cell_forward
from neuraltape.kernels.cpu.lib.compiler import helper, kernel
from neuraltape.kernels.cpu.lib.job import task
from neuraltape.kernels.cpu.lib.matmul import matmul
from neuraltape.kernels.cpu.lib.simd import copy, fetch, floats, integers, keep_apart
from neuraltape.kernels.cpu.ntm.access import access_forward
from neuraltape.kernels.cpu.ntm.memory import load_memory, norms, store_memory


@helper
def column_start(layer, z):
    """Where, in one row of everything that the layers see, a layer's part begins."""
    return 0 if layer == 0 else z.ld_first + (layer - 1) * z.ld_other


@helper
def fill(array, start, count, value):
    """Set `count` elements to a value."""
    for i in range(start, start + count):
        array[i] = value


@helper
def pad_weights(public, p0, padded, s0, z):
    """One head's weighting, with zeros behind its slots."""
    keep_apart()
    copy(public, p0, padded, s0, z.slots)
    for i in range(z.slots, z.padded):
        padded[s0 + i] = 0.0


@helper
def fetch_kept(z, saved, base, t, first, rows):
    """Ask for what is kept of `rows` rows of one step: it comes from far away, and nothing should wait for it."""
    row = t * z.rows + first
    fetch(saved, base + row * z.layers * z.ld_gates, rows * z.layers * z.ld_gates)
    fetch(saved, base + z.saved_parameters + row * z.ld_parameters, rows * z.ld_parameters)
    fetch(saved, base + z.saved_weights + (row + z.rows) * z.ld_weights, rows * z.ld_weights)


@helper
def forward_block(z, block, table, work):
    """Run one block of sequences from its first step to its last.

    Args:
        z: sizes and places (`Places`). block: which sequences.
        table: addresses of, in this order,
            order, lengths: (batch,) int64: sequences by falling length, and the length of each;
            mask: 0 for slots, -inf for padding; moves: see `plan.moves`;
            inputs: (T, B, input); packed: weights as `packing.pack` left them;
            hidden0, cell0, memory0, read0, write0, reads0: the initial state, as in the public signature;
            given: (T, B, hidden + heads * width), the results: the controller's output, then the reads;
            hidden1, cell1, memory1, read1, write1, reads1: the final state;
            saved: for the backward pass;
            outputs, their number a step, weight and bias of the output layer: (T, B, outputs) receives its results;
            0 where it is not asked for;
            with z.direct, in place of `packed`: all weights, as in the public signature.
        work: working space.
    """
    keep_apart()
    order = integers(table[0])
    lengths = integers(table[1])
    mask = floats(work, table[2])
    moves = integers(table[3])
    inputs = floats(work, table[4])
    packed = floats(work, table[5])
    hidden0 = floats(work, table[6])
    cell0 = floats(work, table[7])
    memory0 = floats(work, table[8])
    read0 = floats(work, table[9])
    write0 = floats(work, table[10])
    reads0 = floats(work, table[11])
    given = floats(work, table[12])
    hidden1 = floats(work, table[13])
    cell1 = floats(work, table[14])
    memory1 = floats(work, table[15])
    read1 = floats(work, table[16])
    write1 = floats(work, table[17])
    reads1 = floats(work, table[18])
    saved = floats(work, table[19])
    first = block * z.rows
    rows = min(z.rows, z.batch - first)
    columns = z.ld_first + (z.layers - 1) * z.ld_other
    recurrent = 0 if z.cell == FEEDFORWARD else z.hidden
    read_width = z.reading * z.width
    given_width = z.hidden + read_width
    seen0 = 0
    gates0 = seen0 + z.rows * columns
    top0 = gates0 + z.rows * z.ld_gates
    raw0 = top0 + z.rows * z.ld_top
    state0 = raw0 + z.rows * z.ld_parameters
    memories = state0 + z.rows * z.layers * 2 * z.ld_hidden
    scratch = memories + z.rows * z.ld_memory
    base = block * z.saved_block
    # Loops run over whole vectors: the lanes behind a row's end take part, and must not depend on what was here before.
    fill(work, 0, memories, 0.0)
    for s in range(rows):
        b = order[first + s]
        m = memories + s * z.ld_memory
        load_memory(memory0, b * z.slots * z.width, work, m, z.slots, z.tiles, z.width, z.vector)
        norms(work, m, z.tiles, z.width, z.vector)
        for head in range(z.heads):
            target = base + z.saved_weights + s * z.ld_weights + head * z.padded
            if head < z.reading:
                pad_weights(read0, (b * z.reading + head) * z.slots, saved, target, z)
            else:
                pad_weights(write0, (b * z.writing + head - z.reading) * z.slots, saved, target, z)
        row = seen0 + s * columns
        copy(reads0, b * read_width, work, row, read_width)
        work[row + z.columns_first - 1] = 1.0
        work[top0 + s * z.ld_top + z.hidden] = 1.0
        for layer in range(z.layers):
            place = row + column_start(layer, z)
            state = state0 + (s * z.layers + layer) * 2 * z.ld_hidden
            if layer > 0:
                work[place + z.columns_other - 1] = 1.0
            if recurrent > 0:
                source = (b * z.layers + layer) * z.hidden
                copy(hidden0, source, work, state, z.hidden)
                copy(hidden0, source, work, place + (read_width if layer == 0 else 0), z.hidden)
            if z.cell == LSTM:
                copy(cell0, (b * z.layers + layer) * z.hidden, work, state + z.ld_hidden, z.hidden)
    active = rows
    for t in range(z.time):
        while active > 0 and lengths[order[first + active - 1]] <= t:
            active -= 1
        if active == 0:
            break
        step = t if z.keep else 0
        before = base + z.saved_weights + (t if z.keep else t % 2) * z.rows * z.ld_weights
        after = base + z.saved_weights + (t + 1 if z.keep else (t + 1) % 2) * z.rows * z.ld_weights
        for s in range(active):
            b = order[first + s]
            copy(inputs, (t * z.batch + b) * z.inputs, work, seen0 + s * columns + read_width + recurrent, z.inputs)
            if z.keep and t % z.segment == 0:
                kept = base + z.saved_kept + (t // z.segment * z.rows + s) * z.ld_kept
                copy(work, memories + s * z.ld_memory, saved, kept, z.ld_memory)
                states = z.layers * 2 * z.ld_hidden
                copy(work, state0 + s * states, saved, kept + z.ld_memory, states)
        if z.keep:
            fetch_kept(z, saved, base, min(t + 1, z.time - 1), 0, active)
        for layer in range(z.layers):
            place = seen0 + column_start(layer, z)
            weights = 0 if layer == 0 else z.pack_other + (layer - 1) * z.pack_layer
            depth = z.columns_first if layer == 0 else z.columns_other
            panels = (z.gate_columns + z.vector - 1) // z.vector
            if z.direct != 0:
                for s in range(active):
                    direct_layer(z, layer, table, work, place + s * columns, gates0 + s * z.ld_gates)
            else:
                matmul(
                    active, panels, z.vector, depth, work, place, columns, 1, packed, weights, depth * z.vector,
                    z.vector, work, gates0, z.ld_gates, False,
                )  # fmt: skip
            for s in range(active):
                state = state0 + (s * z.layers + layer) * 2 * z.ld_hidden
                keep = base + ((step * z.rows + s) * z.layers + layer) * z.ld_gates
                raw = gates0 + s * z.ld_gates
                cell_forward(z.cell, work, raw, saved, keep, work, state, state + z.ld_hidden, z.hidden, z.vector)
                if recurrent > 0:
                    copy(work, state, work, place + s * columns + (read_width if layer == 0 else 0), z.hidden)
                if layer + 1 < z.layers:
                    copy(work, state, work, seen0 + s * columns + column_start(layer + 1, z) + recurrent, z.hidden)
                else:
                    copy(work, state, work, top0 + s * z.ld_top, z.hidden)
                    copy(work, state, given, (t * z.batch + order[first + s]) * given_width, z.hidden)
        panels = (z.parameters + z.vector - 1) // z.vector
        depth = z.hidden + 1
        if z.direct != 0:
            for s in range(active):
                direct_interface(z, table, work, top0 + s * z.ld_top, raw0 + s * z.ld_parameters)
        else:
            matmul(
                active, panels, z.vector, depth, work, top0, z.ld_top, 1, packed, z.pack_interface, depth * z.vector,
                z.vector, work, raw0, z.ld_parameters, False,
            )  # fmt: skip
        for s in range(active):
            row = seen0 + s * columns
            access_forward(
                work, memories + s * z.ld_memory, raw0 + s * z.ld_parameters, saved,
                base + z.saved_parameters + (step * z.rows + s) * z.ld_parameters, saved, before + s * z.ld_weights,
                saved, after + s * z.ld_weights, work, row, scratch, mask, moves, z,
            )  # fmt: skip
            copy(work, row, given, (t * z.batch + order[first + s]) * given_width + z.hidden, read_width)
            if table[20] != 0:
                direct_output(z, table, work, top0 + s * z.ld_top, row, t * z.batch + order[first + s])
    for s in range(rows):
        b = order[first + s]
        store_memory(
            work, memories + s * z.ld_memory, memory1, b * z.slots * z.width, z.slots, z.tiles, z.width, z.vector
        )
        last = lengths[b] if z.keep else lengths[b] % 2
        weights = base + z.saved_weights + (last * z.rows + s) * z.ld_weights
        for head in range(z.heads):
            if head < z.reading:
                copy(saved, weights + head * z.padded, read1, (b * z.reading + head) * z.slots, z.slots)
            else:
                copy(saved, weights + head * z.padded, write1, (b * z.writing + head - z.reading) * z.slots, z.slots)
        copy(work, seen0 + s * columns, reads1, b * read_width, read_width)
        for layer in range(z.layers):
            state = state0 + (s * z.layers + layer) * 2 * z.ld_hidden
            if recurrent > 0:
                copy(work, state, hidden1, (b * z.layers + layer) * z.hidden, z.hidden)
            if z.cell == LSTM:
                copy(work, state + z.ld_hidden, cell1, (b * z.layers + layer) * z.hidden, z.hidden)


@kernel
def forward(job):
    """Blocks of sequences forward, until none is left. See `forward_block`."""
    z, table, work = parts(job)
    block = task(job)
    while block >= 0:
        forward_block(z, block, table, work)
        block = task(job)
