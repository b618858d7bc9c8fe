"""A whole sequence backward, for one lane of blocks: segment by segment, each replayed forward from what was kept."""

from collections.abc import Callable

from neuraltape.kernels.cpu.engine.access import Access
from neuraltape.kernels.cpu.engine.bits import owe
from neuraltape.kernels.cpu.engine.forward import begins_anew, column_start, fetch_kept, fill
from neuraltape.kernels.cpu.engine.plan import parts
from neuraltape.kernels.cpu.lib.cells import FEEDFORWARD, LSTM, cell_backward, cell_replay
from neuraltape.kernels.cpu.lib.compiler import Kernel, helper, kernel
from neuraltape.kernels.cpu.lib.job import another, task
from neuraltape.kernels.cpu.lib.matmul import matmul
from neuraltape.kernels.cpu.lib.simd import copy, floats, integers, keep_apart


def given_backward(access: Access) -> tuple[str, ...]:
    """Names of what the kernel is given: addresses.

    order, lengths, constants, inputs, resets, reads0, given, saved: as for `given_forward`. packed: weights as
    `packing.pack` left them for this pass. dgiven, dhidden1, ...: gradients of the results and of the last state; 0
    where there is none. dinputs, dhidden0, ...: receive those of the inputs and of the first state; 0 where not asked
    for. start: these names once more, where dhidden0, ... receive the gradients of that with which rows begin anew; 0
    where none does, or they are not asked for. gradients: (lanes, grad_size), receives each lane's weight gradients.
    residuals: as `given_forward` says; dcosts: (batch,), gradients of the costs; both 0 without targets.
    """
    after, before = ([f"d{name}{i}" for name in ("hidden", "cell", *access.state.names)] for i in (1, 0))
    start = (
        "order",
        "lengths",
        *access.constant_names,
        "inputs",
        "packed",
        "resets",
        "start",
        "reads0",
        "given",
        "saved",
    )
    return *start, "dgiven", *after, "dinputs", *before, "gradients", "residuals", "dcosts"


@helper
def add_to(source, s0, target, t0, count):
    """Add `source` to `target`."""
    for i in range(count):
        target[t0 + i] += source[s0 + i]


@helper
def replay_controller(z, t, row, b, saved, base, s, work, seen, top, states, squashed, inputs, given, reads0, anew):
    """Bring back one row of one step: what the layers saw, and the states after it.

    seen, top: places of this row. states: place before the step; that after it lies one step further. anew: place in
    `saved` of that with which the row begins anew; -1: it goes on.
    """
    keep_apart()
    recurrent = 0 if z.cell == FEEDFORWARD else z.hidden
    read_width = z.reads
    if anew >= 0:
        place = anew + z.ld_notes
        copy(saved, place + z.ld_memory, work, states, z.layers * 2 * z.ld_hidden)
        copy(saved, place + z.ld_kept, work, seen, read_width)
    elif t == 0:
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
            z.cell, saved, gates, work, old, new, old + z.ld_hidden, new + z.ld_hidden,
            squashed + layer * z.ld_hidden, z.hidden, z.vector,
        )  # fmt: skip
        if recurrent > 0:
            copy(work, old, work, place + (read_width if layer == 0 else 0), z.hidden)
        if layer > 0:
            copy(work, new - 2 * z.ld_hidden, work, place + recurrent, z.hidden)
            work[place + z.columns_other - 1] = 1.0
    copy(work, states + z.rows * size + (z.layers - 1) * 2 * z.ld_hidden, work, top, z.hidden)
    work[top + z.hidden] = 1.0


@helper
def set_aside(work, source, target, count):
    """Add what is in one place to another, and leave 0."""
    for i in range(count):
        work[target + i] += work[source + i]
        work[source + i] = 0.0


def make_backward(access: Access) -> Kernel:
    """The kernel of an access: lanes backward, until none is left."""
    lane_backward, parts_of_job = _make_lane(access), parts(access, given_backward(access))

    @kernel(f"{access.name}.backward")
    def backward(job):
        z, call, _, work = parts_of_job(job)
        lane = task(job)
        while lane >= 0:
            lane_backward(z, lane, call, work)
            lane = task(job)

    return backward


def _make_lane(access: Access) -> Callable:
    load_slopes, replay, backward, store_slopes = (
        access.load_slopes,
        access.replay,
        access.backward,
        access.store_slopes,
    )

    @helper
    def store_start(call, z, b, work, dnotes, slopes, dstates, dreading):
        """Bring out the gradient of what one sequence starts with, where it is asked for."""
        keep_apart()
        store_slopes(call, z, b, work, slopes, dnotes)
        if call.dreads0 != 0:
            copy(work, dreading, floats(work, call.dreads0), b * z.reads, z.reads)
        for layer in range(z.layers):
            place, target = dstates + layer * 2 * z.ld_hidden, (b * z.layers + layer) * z.hidden
            if z.cell != FEEDFORWARD and call.dhidden0 != 0:
                copy(work, place, floats(work, call.dhidden0), target, z.hidden)
            if z.cell == LSTM and call.dcell0 != 0:
                copy(work, place + z.ld_hidden, floats(work, call.dcell0), target, z.hidden)

    @helper
    def backward_lane(z, lane, call, work):
        """Backward of `forward_block` for blocks lane, lane + lanes, ...; adds their weight gradients in this order.

        Args:
            z, work: as for `forward_block`. lane: which blocks. call: what `given_backward` names.
        """
        keep_apart()
        order, lengths = integers(call.order), integers(call.lengths)
        inputs, packed, reads0 = floats(work, call.inputs), floats(work, call.packed), floats(work, call.reads0)
        given, saved, gradients = floats(work, call.given), floats(work, call.saved), floats(work, call.gradients)
        dgiven, dinputs = floats(work, call.dgiven), floats(work, call.dinputs)
        dhidden1, dcell1, dreads1 = floats(work, call.dhidden1), floats(work, call.dcell1), floats(work, call.dreads1)
        columns = z.ld_first + (z.layers - 1) * z.ld_other
        recurrent = 0 if z.cell == FEEDFORWARD else z.hidden
        read_width = z.reads
        given_width = z.hidden + read_width
        size = z.layers * 2 * z.ld_hidden
        chunk = z.segment * z.rows
        seen0 = 0
        gates0 = seen0 + chunk * columns
        top0 = gates0 + chunk * z.layers * z.ld_gates
        dp0 = top0 + chunk * z.ld_top
        owed0 = dp0 + chunk * z.ld_parameters
        squashed0 = owed0 + chunk * z.ld_targets
        states0 = squashed0 + chunk * z.layers * z.ld_hidden
        memories = states0 + (z.segment + 1) * z.rows * size
        starts = memories + (z.segment + 1) * z.rows * z.ld_memory
        slopes = starts + z.resets * z.rows * z.ld_memory
        dnotes = slopes + z.rows * z.ld_memory
        dstates = dnotes + z.rows * z.ld_notes
        dseen = dstates + z.rows * size
        dtop = dseen + z.rows * (z.ld_first + z.ld_other)
        dreading = dtop + z.rows * z.ld_top
        dstarts = dreading + z.rows * z.ld_first
        scratch = dstarts + z.resets * z.rows * z.ld_start
        # The lanes behind a row's end take part in the products of a segment. Left as they were they would change
        # nothing, but pointers, read as numbers, are subnormal: they make each multiply-add a hundred times slower.
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
                if call.resets != 0:
                    kept = base + z.saved_starts + s * z.ld_start + z.ld_notes
                    copy(saved, kept, work, starts + s * z.ld_memory, z.ld_memory)
                load_slopes(call, z, b, work, slopes + s * z.ld_memory, dnotes + s * z.ld_notes)
                if call.dreads1 != 0:
                    copy(dreads1, b * read_width, work, dreading + s * z.ld_first, read_width)
                for layer in range(z.layers):
                    place = dstates + s * size + layer * 2 * z.ld_hidden
                    if call.dhidden1 != 0:
                        copy(dhidden1, (b * z.layers + layer) * z.hidden, work, place, z.hidden)
                    if call.dcell1 != 0:
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
                            b, anew = order[first + s], -1
                            memory, after = memories + row * z.ld_memory, memories + (row + z.rows) * z.ld_memory
                            notes = base + z.saved_notes + (t * z.rows + s) * z.ld_notes
                            noted = notes + z.rows * z.ld_notes
                            if begins_anew(call, z, t, b):
                                anew = base + z.saved_starts + s * z.ld_start
                                memory, notes = starts + s * z.ld_memory, anew
                            fetch_kept(z, saved, base, min(t + 1, stop - 1), s, 1)
                            replay_controller(
                                z, t, row, b, saved, base, s, work, seen, top, states0 + row * size,
                                squashed0 + row * z.layers * z.ld_hidden, inputs, given, reads0, anew,
                            )  # fmt: skip
                            parameters = base + z.saved_parameters + (t * z.rows + s) * z.ld_parameters
                            replay(call, z, work, memory, after, saved, parameters, notes, noted, scratch)
                            if z.targets > 0:
                                copy(
                                    given,
                                    (t * z.batch + b) * given_width + z.hidden,
                                    work,
                                    top + z.hidden + 1,
                                    read_width,
                                )
                                owe(z, call, t, b, work, owed0 + row * z.ld_targets)
                        else:
                            # Takes part in the products of the whole segment, with nothing.
                            fill(work, seen, columns, 0.0)
                            fill(work, top, z.ld_top, 0.0)
                            fill(work, gates0 + row * z.layers * z.ld_gates, z.layers * z.ld_gates, 0.0)
                            fill(work, dp0 + row * z.ld_parameters, z.ld_parameters, 0.0)
                            fill(work, owed0 + row * z.ld_targets, z.ld_targets, 0.0)
                for t in range(stop - 1, start - 1, -1):
                    active = rows
                    while lengths[order[first + active - 1]] <= t:
                        active -= 1
                    step = (t - start) * z.rows
                    if z.targets > 0:
                        wide = z.hidden + 1 + read_width
                        matmul(
                            active, (wide + z.vector - 1) // z.vector, z.vector, z.targets, work,
                            owed0 + step * z.ld_targets, z.ld_targets, 1, packed, z.back_output, z.targets * z.vector,
                            z.vector, work, dtop, z.ld_top, False,
                        )  # fmt: skip
                    for s in range(active):
                        b = order[first + s]
                        row = step + s
                        if z.targets > 0:
                            place = dtop + s * z.ld_top + z.hidden + 1
                            add_to(work, place, work, dreading + s * z.ld_first, read_width)
                        if call.dgiven != 0:
                            place = (t * z.batch + b) * given_width + z.hidden
                            add_to(dgiven, place, work, dreading + s * z.ld_first, read_width)
                        memory, after = memories + row * z.ld_memory, memories + (row + z.rows) * z.ld_memory
                        notes = base + z.saved_notes + (t * z.rows + s) * z.ld_notes
                        noted = notes + z.rows * z.ld_notes
                        if begins_anew(call, z, t, b):
                            memory, notes = starts + s * z.ld_memory, base + z.saved_starts + s * z.ld_start
                        parameters = base + z.saved_parameters + (t * z.rows + s) * z.ld_parameters
                        backward(
                            call, z, work, memory, after, slopes + s * z.ld_memory, saved, parameters, notes, noted,
                            dnotes + s * z.ld_notes, dreading + s * z.ld_first, dp0 + row * z.ld_parameters, scratch,
                        )  # fmt: skip
                    panels = (z.hidden + z.vector - 1) // z.vector
                    matmul(
                        active, panels, z.vector, z.parameters, work, dp0 + step * z.ld_parameters, z.ld_parameters, 1,
                        packed, z.back_interface, z.parameters * z.vector, z.vector, work, dtop, z.ld_top,
                        z.targets > 0,
                    )  # fmt: skip
                    for s in range(active):
                        place = dstates + s * size + (z.layers - 1) * 2 * z.ld_hidden
                        add_to(work, dtop + s * z.ld_top, work, place, z.hidden)
                        if call.dgiven != 0:
                            add_to(dgiven, (t * z.batch + order[first + s]) * given_width, work, place, z.hidden)
                    for layer in range(z.layers - 1, -1, -1):
                        gates = gates0 + (step * z.layers + layer) * z.ld_gates
                        for s in range(active):
                            place = dstates + s * size + layer * 2 * z.ld_hidden
                            state = states0 + (step + s) * size + layer * 2 * z.ld_hidden
                            cell_backward(
                                z.cell, z.linear, saved, base + ((t * z.rows + s) * z.layers + layer) * z.ld_gates,
                                work, state, state + z.ld_hidden,
                                squashed0 + ((step + s) * z.layers + layer) * z.ld_hidden, place,
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
                    # What comes from behind a start goes to it, and no further.
                    for s in range(active):
                        if begins_anew(call, z, t, order[first + s]):
                            place = dstarts + s * z.ld_start
                            set_aside(work, dnotes + s * z.ld_notes, place, z.ld_notes)
                            place += z.ld_notes
                            set_aside(work, slopes + s * z.ld_memory, place, z.ld_memory)
                            set_aside(work, dstates + s * size, place + z.ld_memory, size)
                            set_aside(work, dreading + s * z.ld_first, place + z.ld_kept, read_width)
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
                    z.parameters, (z.hidden + z.vector) // z.vector, z.vector, depth, work, dp0, 1, z.ld_parameters,
                    work, top0, z.vector, z.ld_top, gradients, weights_at + z.grad_interface, z.ld_top, adding,
                )  # fmt: skip
                if z.targets > 0:
                    matmul(
                        z.targets, (z.hidden + read_width + z.vector) // z.vector, z.vector, depth, work, owed0, 1,
                        z.ld_targets, work, top0, z.vector, z.ld_top, gradients, weights_at + z.grad_output, z.ld_top,
                        adding,
                    )  # fmt: skip
                adding = True
            if longest == 0 and not adding:
                # No sequence of this lane has a step.
                fill(gradients, weights_at, z.grad_size, 0.0)
                adding = True
            # Gradient of the initial state, and of that with which rows began anew.
            for s in range(rows):
                b = order[first + s]
                store_start(
                    call, z, b, work, dnotes + s * z.ld_notes, slopes + s * z.ld_memory, dstates + s * size,
                    dreading + s * z.ld_first,
                )  # fmt: skip
                if call.start != 0:
                    place = dstarts + s * z.ld_start
                    memory = place + z.ld_notes
                    again, states = another(call, call.start), memory + z.ld_memory
                    store_start(again, z, b, work, place, memory, states, memory + z.ld_kept)

    return backward_lane
