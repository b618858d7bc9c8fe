"""A whole sequence backward, for one lane of blocks: segment by segment, each replayed forward from what was kept."""

from neuraltape.kernels.cpu.engine.forward import column_start, fetch_kept, fill, pad_weights
from neuraltape.kernels.cpu.engine.plan import parts
from neuraltape.kernels.cpu.engine.replay import replay
from neuraltape.kernels.cpu.lib.cells import FEEDFORWARD, LSTM, cell_backward
from neuraltape.kernels.cpu.lib.compiler import helper, kernel
from neuraltape.kernels.cpu.lib.job import task
from neuraltape.kernels.cpu.lib.matmul import matmul
from neuraltape.kernels.cpu.lib.simd import copy, floats, integers, keep_apart
from neuraltape.kernels.cpu.ntm.access import access_backward
from neuraltape.kernels.cpu.ntm.memory import load_memory, store_memory


@helper
def add_to(source, s0, target, t0, count):
    """Add `source` to `target`."""
    for i in range(count):
        target[t0 + i] += source[s0 + i]


@helper
def backward_lane(z, lane, table, work):
    """Backward of `forward_block` for the blocks lane, lane + lanes, ...; adds their weight gradients in this order.

    Args:
        z, work: as for `forward_block`. lane: which blocks.
        table: addresses of, in this order,
            order, lengths, mask, moves, inputs: as for `forward_block`;
            packed: weights as `packing.pack` left them;
            reads0, given, saved: as for `forward_block`;
            dgiven, dhidden1, dcell1, dmemory1, dread1, dwrite1,
            dreads1: gradients of the results and of the final
            state; 0 where there is none;
            dinputs, dhidden0, dcell0, dmemory0, dread0, dwrite0,
            dreads0: receive those of the inputs and the initial state; 0 where not asked for;
            gradients: (lanes, grad_size), receives each lane's weight gradients.
    """
    keep_apart()
    order = integers(table[0])
    lengths = integers(table[1])
    mask = floats(work, table[2])
    moves = integers(table[3])
    inputs = floats(work, table[4])
    packed = floats(work, table[5])
    reads0 = floats(work, table[6])
    given = floats(work, table[7])
    saved = floats(work, table[8])
    dgiven = floats(work, table[9])
    dhidden1 = floats(work, table[10])
    dcell1 = floats(work, table[11])
    dmemory1 = floats(work, table[12])
    dread1 = floats(work, table[13])
    dwrite1 = floats(work, table[14])
    dreads1 = floats(work, table[15])
    dinputs = floats(work, table[16])
    dhidden0 = floats(work, table[17])
    dcell0 = floats(work, table[18])
    dmemory0 = floats(work, table[19])
    dread0 = floats(work, table[20])
    dwrite0 = floats(work, table[21])
    dreads0 = floats(work, table[22])
    gradients = floats(work, table[23])
    columns = z.ld_first + (z.layers - 1) * z.ld_other
    recurrent = 0 if z.cell == FEEDFORWARD else z.hidden
    read_width = z.reading * z.width
    given_width = z.hidden + read_width
    size = z.layers * 2 * z.ld_hidden
    chunk = z.segment * z.rows
    seen0 = 0
    gates0 = seen0 + chunk * columns
    top0 = gates0 + chunk * z.layers * z.ld_gates
    dp0 = top0 + chunk * z.ld_top
    squashed0 = dp0 + chunk * z.ld_parameters
    states0 = squashed0 + chunk * z.layers * z.ld_hidden
    memories = states0 + (z.segment + 1) * z.rows * size
    slopes = memories + (z.segment + 1) * z.rows * z.ld_memory
    dweights = slopes + z.rows * z.ld_memory
    dstates = dweights + z.rows * z.ld_weights
    dseen = dstates + z.rows * size
    dtop = dseen + z.rows * (z.ld_first + z.ld_other)
    dreading = dtop + z.rows * z.ld_top
    scratch = dreading + z.rows * z.ld_first
    # The lanes behind a row's end take part in the products of a segment. Left as they were they would change nothing,
    # but pointers, read as numbers, are subnormal, and those make each multiply-add a hundred times slower.
    fill(work, 0, states0, 0.0)
    weights_at = lane * z.grad_size
    adding = False
    for block in range(lane, z.blocks, z.lanes):
        first = block * z.rows
        rows = min(z.rows, z.batch - first)
        base = block * z.saved_block
        # Gradient of the final state.
        fill(work, slopes, scratch - slopes, 0.0)
        for s in range(rows):
            b = order[first + s]
            if table[12] != 0:
                place = slopes + s * z.ld_memory
                load_memory(dmemory1, b * z.slots * z.width, work, place, z.slots, z.tiles, z.width, z.vector)
            for head in range(z.heads):
                target = dweights + s * z.ld_weights + head * z.padded
                if head < z.reading:
                    if table[13] != 0:
                        pad_weights(dread1, (b * z.reading + head) * z.slots, work, target, z)
                elif table[14] != 0:
                    pad_weights(dwrite1, (b * z.writing + head - z.reading) * z.slots, work, target, z)
            if table[15] != 0:
                copy(dreads1, b * read_width, work, dreading + s * z.ld_first, read_width)
            for layer in range(z.layers):
                place = dstates + s * size + layer * 2 * z.ld_hidden
                if table[10] != 0:
                    copy(dhidden1, (b * z.layers + layer) * z.hidden, work, place, z.hidden)
                if table[11] != 0:
                    copy(dcell1, (b * z.layers + layer) * z.hidden, work, place + z.ld_hidden, z.hidden)
        longest = lengths[order[first]]
        for segment in range((longest - 1) // z.segment, -1, -1):
            start = segment * z.segment
            stop = min(start + z.segment, longest)
            for s in range(z.rows):
                length = lengths[order[first + s]] if s < rows else 0
                if start < length:
                    kept = base + z.saved_kept + (segment * z.rows + s) * z.ld_kept
                    copy(saved, kept, work, memories + s * z.ld_memory, z.ld_memory)
                    copy(saved, kept + z.ld_memory, work, states0 + s * size, size)
                for t in range(start, stop):
                    row = (t - start) * z.rows + s
                    seen, top = seen0 + row * columns, top0 + row * z.ld_top
                    if t < length:
                        fetch_kept(z, saved, base, min(t + 1, stop - 1), s, 1)
                        replay(
                            z, t, row, order[first + s], saved, base, s, work, seen, top, states0 + row * size,
                            squashed0 + row * z.layers * z.ld_hidden, memories + row * z.ld_memory, inputs, given,
                            reads0,
                        )  # fmt: skip
                    else:
                        # Takes part in the products of the whole segment, with nothing.
                        fill(work, seen, columns, 0.0)
                        fill(work, top, z.ld_top, 0.0)
                        fill(work, gates0 + row * z.layers * z.ld_gates, z.layers * z.ld_gates, 0.0)
                        fill(work, dp0 + row * z.ld_parameters, z.ld_parameters, 0.0)
            for t in range(stop - 1, start - 1, -1):
                active = rows
                while lengths[order[first + active - 1]] <= t:
                    active -= 1
                step = (t - start) * z.rows
                for s in range(active):
                    b = order[first + s]
                    row = step + s
                    if table[9] != 0:
                        place = (t * z.batch + b) * given_width + z.hidden
                        add_to(dgiven, place, work, dreading + s * z.ld_first, read_width)
                    weights = base + z.saved_weights + (t * z.rows + s) * z.ld_weights
                    access_backward(
                        work, memories + row * z.ld_memory, memories + (row + z.rows) * z.ld_memory,
                        slopes + s * z.ld_memory, saved, base + z.saved_parameters + (t * z.rows + s) * z.ld_parameters,
                        saved, weights, saved, weights + z.rows * z.ld_weights, dweights + s * z.ld_weights,
                        dreading + s * z.ld_first, dp0 + row * z.ld_parameters, scratch, mask, moves, z,
                    )  # fmt: skip
                panels = (z.hidden + z.vector - 1) // z.vector
                matmul(
                    active, panels, z.vector, z.parameters, work, dp0 + step * z.ld_parameters, z.ld_parameters, 1,
                    packed, z.back_interface, z.parameters * z.vector, z.vector, work, dtop, z.ld_top, False,
                )  # fmt: skip
                for s in range(active):
                    place = dstates + s * size + (z.layers - 1) * 2 * z.ld_hidden
                    add_to(work, dtop + s * z.ld_top, work, place, z.hidden)
                    if table[9] != 0:
                        add_to(dgiven, (t * z.batch + order[first + s]) * given_width, work, place, z.hidden)
                for layer in range(z.layers - 1, -1, -1):
                    gates = gates0 + (step * z.layers + layer) * z.ld_gates
                    for s in range(active):
                        place = dstates + s * size + layer * 2 * z.ld_hidden
                        state = states0 + (step + s) * size + layer * 2 * z.ld_hidden
                        cell_backward(
                            z.cell, saved, base + ((t * z.rows + s) * z.layers + layer) * z.ld_gates, work, state,
                            state + z.ld_hidden, squashed0 + ((step + s) * z.layers + layer) * z.ld_hidden, place,
                            place + z.ld_hidden, gates + s * z.layers * z.ld_gates, z.hidden, z.vector,
                        )  # fmt: skip
                    wide = z.columns_back if layer == 0 else z.columns_other - 1
                    row_size = z.ld_first if layer == 0 else z.ld_other
                    source = 0 if layer == 0 else z.back_other + (layer - 1) * z.back_layer
                    matmul(
                        active, (wide + z.vector - 1) // z.vector, z.vector, z.gate_columns, work, gates,
                        z.layers * z.ld_gates, 1, packed, source, z.gate_columns * z.vector, z.vector, work, dseen,
                        row_size, False,
                    )  # fmt: skip
                    for s in range(active):
                        row = dseen + s * row_size
                        place = dstates + s * size + layer * 2 * z.ld_hidden
                        if layer == 0:
                            copy(work, row, work, dreading + s * z.ld_first, read_width)
                            if recurrent > 0:
                                add_to(work, row + read_width, work, place, z.hidden)
                            if z.wants_inputs:
                                target = (t * z.batch + order[first + s]) * z.inputs
                                copy(work, row + read_width + recurrent, dinputs, target, z.inputs)
                        else:
                            if recurrent > 0:
                                add_to(work, row, work, place, z.hidden)
                            add_to(work, row + recurrent, work, place - 2 * z.ld_hidden, z.hidden)
            # Weight gradients of the whole segment.
            depth = (stop - start) * z.rows
            for layer in range(z.layers):
                row_size = z.ld_first if layer == 0 else z.ld_other
                wide = z.columns_first if layer == 0 else z.columns_other
                target = weights_at + (0 if layer == 0 else z.grad_other + (layer - 1) * z.grad_layer)
                matmul(
                    z.gate_columns, (wide + z.vector - 1) // z.vector, z.vector, depth, work,
                    gates0 + layer * z.ld_gates, 1, z.layers * z.ld_gates, work, seen0 + column_start(layer, z),
                    z.vector, columns, gradients, target, row_size, adding,
                )  # fmt: skip
            matmul(
                z.parameters, (z.hidden + z.vector) // z.vector, z.vector, depth, work, dp0, 1, z.ld_parameters, work,
                top0, z.vector, z.ld_top, gradients, weights_at + z.grad_interface, z.ld_top, adding,
            )  # fmt: skip
            adding = True
        # Gradient of the initial state.
        for s in range(rows):
            b = order[first + s]
            place = slopes + s * z.ld_memory
            if table[19] != 0:
                store_memory(work, place, dmemory0, b * z.slots * z.width, z.slots, z.tiles, z.width, z.vector)
            for head in range(z.heads):
                source = dweights + s * z.ld_weights + head * z.padded
                if head < z.reading and table[20] != 0:
                    copy(work, source, dread0, (b * z.reading + head) * z.slots, z.slots)
                elif head >= z.reading and table[21] != 0:
                    copy(work, source, dwrite0, (b * z.writing + head - z.reading) * z.slots, z.slots)
            if table[22] != 0:
                copy(work, dreading + s * z.ld_first, dreads0, b * read_width, read_width)
            for layer in range(z.layers):
                place = dstates + s * size + layer * 2 * z.ld_hidden
                if recurrent > 0 and table[17] != 0:
                    copy(work, place, dhidden0, (b * z.layers + layer) * z.hidden, z.hidden)
                if z.cell == LSTM and table[18] != 0:
                    copy(work, place + z.ld_hidden, dcell0, (b * z.layers + layer) * z.hidden, z.hidden)


@kernel
def backward(job):
    """Lanes backward, until none is left. See `backward_lane`."""
    z, table, work = parts(job)
    lane = task(job)
    while lane >= 0:
        backward_lane(z, lane, table, work)
        lane = task(job)
