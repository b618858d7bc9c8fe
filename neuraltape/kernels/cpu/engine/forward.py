"""A whole sequence forward, for one block of sequences: the controller and an access, step by step."""

from collections.abc import Callable

from neuraltape.kernels.cpu.engine.access import Access
from neuraltape.kernels.cpu.engine.bits import pay
from neuraltape.kernels.cpu.engine.direct import direct_interface, direct_layer, direct_output
from neuraltape.kernels.cpu.engine.plan import parts
from neuraltape.kernels.cpu.lib.board import FINISHED, one_over, peek, wait_a_moment
from neuraltape.kernels.cpu.lib.cells import FEEDFORWARD, LSTM, cell_forward
from neuraltape.kernels.cpu.lib.compiler import Kernel, helper, kernel
from neuraltape.kernels.cpu.lib.job import another, task
from neuraltape.kernels.cpu.lib.matmul import matmul
from neuraltape.kernels.cpu.lib.simd import copy, fetch, flags, floats, integers, keep_apart, load, total


def given_forward(access: Access) -> tuple[str, ...]:
    """Names of what the kernel is given: addresses, and the number of outputs.

    order, lengths: (batch,) int64: sequences by falling length, and the length of each. The access's constants.
    boards: one of the call and one of each sequence, as `lib.board` has them, where threads help others; else 0.
    inputs: (T, B, input). packed: weights as `packing.pack` left them; 0 with z.direct.
    resets: (T, B) bool, where rows begin anew; start: these names once more, with the state with which they do; both 0
    where none does.
    hidden0, cell0, and the access's state: before the first step, as in the public signature.
    given: (T, B, hidden + reads), the results: the controller's output, then the reads.
    hidden1, cell1, and the access's state: receive the last. saved: for the backward pass.
    outputs, output_size, output_weight, output_bias: the output layer; (T, B, output_size) receives its results; all 0
    where it is not asked for. With z.targets its weights are packed, and only outputs is looked at.
    targets: (T, B, z.targets); counted: (T, B) bool, 0 for all. residuals, like the targets, and costs, (batch,),
    receive the gradients of the costs with respect to the outputs, for `given_backward`, and the costs. All 0 without
    targets.
    """
    before, after = ([f"{name}{i}" for name in ("hidden", "cell", *access.state.names)] for i in (0, 1))
    start = ("order", "lengths", *access.constant_names, "boards", "inputs", "packed", "resets", "start")
    output = ("outputs", "output_size", "output_weight", "output_bias")
    return *start, *before, "given", *after, "saved", *output, "targets", "counted", "residuals", "costs"


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
def begins_anew(call, z, t, b):
    """Whether a sequence begins anew at a step."""
    return call.resets != 0 and flags(call.resets)[t * z.batch + b] != 0


@helper
def begin_anew(z, saved, start, work, memory, state, row):
    """Bring back what a row begins anew with, but for its notes. start: its place in `saved`; the others: in `work`."""
    keep_apart()
    place = start + z.ld_notes
    copy(saved, place, work, memory, z.ld_memory)
    copy(saved, place + z.ld_memory, work, state, z.layers * 2 * z.ld_hidden)
    copy(saved, place + z.ld_kept, work, row, z.reads)
    if z.cell != FEEDFORWARD:
        for layer in range(z.layers):
            hidden = row + column_start(layer, z) + (z.reads if layer == 0 else 0)
            copy(work, state + layer * 2 * z.ld_hidden, work, hidden, z.hidden)


@helper
def fetch_kept(z, saved, base, t, first, rows):
    """Ask for what is kept of `rows` rows of one step: it comes from far away, and nothing should wait for it."""
    row = t * z.rows + first
    fetch(saved, base + row * z.layers * z.ld_gates, rows * z.layers * z.ld_gates)
    fetch(saved, base + z.saved_parameters + row * z.ld_parameters, rows * z.ld_parameters)
    fetch(saved, base + z.saved_notes + (row + z.rows) * z.ld_notes, rows * z.ld_notes)


def make_forward(access: Access) -> Kernel:
    """The kernel of an access: blocks of sequences forward, until none is left."""
    block_forward, parts_of_job = _make_block(access), parts(access, given_forward(access))

    assist, may_ask = access.assist or _nothing_to_do, access.may_ask or _never

    @kernel(f"{access.name}.forward")
    def forward(job):
        z, call, weights_at, work = parts_of_job(job)
        block = task(job)
        while block >= 0:
            block_forward(z, block, call, weights_at, work)
            one_over(call.boards)
            block = task(job)
        if call.boards != 0 and may_ask(call, z, work):
            board, waited = integers(call.boards), 0
            while peek(board, FINISHED) < z.blocks:
                waited = 0 if assist(call, z, work, scratch_place(z)) else wait_a_moment(board, waited)

    return forward


@helper
def _never(call, z, work):
    return False


@helper
def _nothing_to_do(call, z, work, scratch):
    return False


@helper
def scratch_place(z):
    """Where the access's scratch room begins: behind what a block's rows carry."""
    columns = z.ld_first + (z.layers - 1) * z.ld_other
    row = columns + z.ld_gates + z.ld_top + z.ld_parameters + z.layers * 2 * z.ld_hidden + z.ld_targets + z.vector
    return z.rows * (row + z.ld_memory)


def _make_block(access: Access) -> Callable:
    load_row, step, store = access.load, access.forward, access.store

    @helper
    def forward_block(z, block, call, weights_at, work):
        """Run one block of sequences from its first step to its last.

        Args:
            z: sizes and places. block: which sequences. call: what `given_forward` names.
            weights_at: with z.direct, addresses of all weights, as in the public signature. work: working space.
        """
        keep_apart()
        order, lengths = integers(call.order), integers(call.lengths)
        inputs, packed = floats(work, call.inputs), floats(work, call.packed)
        hidden0, cell0, reads0 = floats(work, call.hidden0), floats(work, call.cell0), floats(work, call.reads0)
        hidden1, cell1, reads1 = floats(work, call.hidden1), floats(work, call.cell1), floats(work, call.reads1)
        given, saved = floats(work, call.given), floats(work, call.saved)
        first = block * z.rows
        rows = min(z.rows, z.batch - first)
        columns = z.ld_first + (z.layers - 1) * z.ld_other
        recurrent = 0 if z.cell == FEEDFORWARD else z.hidden
        read_width = z.reads
        given_width = z.hidden + read_width
        seen0 = 0
        gates0 = seen0 + z.rows * columns
        top0 = gates0 + z.rows * z.ld_gates
        raw0 = top0 + z.rows * z.ld_top
        state0 = raw0 + z.rows * z.ld_parameters
        logits0 = state0 + z.rows * z.layers * 2 * z.ld_hidden
        costs0 = logits0 + z.rows * z.ld_targets
        memories = costs0 + z.rows * z.vector
        scratch = scratch_place(z)
        base = block * z.saved_block
        # Loops run over whole vectors: the lanes behind a row's end take part, and must not depend on what was here.
        fill(work, 0, memories, 0.0)
        for s in range(rows):
            b = order[first + s]
            m = memories + s * z.ld_memory
            if call.resets != 0:
                start, again = base + z.saved_starts + s * z.ld_start, another(call, call.start)
                fill(saved, start, z.ld_start, 0.0)
                load_row(again, z, b, work, m, saved, start)
                place = start + z.ld_notes
                copy(work, m, saved, place, z.ld_memory)
                copy(floats(work, again.reads0), b * read_width, saved, place + z.ld_kept, read_width)
                for layer in range(z.layers):
                    source, state = (b * z.layers + layer) * z.hidden, place + z.ld_memory + layer * 2 * z.ld_hidden
                    if recurrent > 0:
                        copy(floats(work, again.hidden0), source, saved, state, z.hidden)
                    if z.cell == LSTM:
                        copy(floats(work, again.cell0), source, saved, state + z.ld_hidden, z.hidden)
            load_row(call, z, b, work, m, saved, base + z.saved_notes + s * z.ld_notes)
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
            step_kept = t if z.keep else 0
            before = base + z.saved_notes + (t if z.keep else t % 2) * z.rows * z.ld_notes
            after = base + z.saved_notes + (t + 1 if z.keep else (t + 1) % 2) * z.rows * z.ld_notes
            for s in range(active):
                b = order[first + s]
                if begins_anew(call, z, t, b):
                    begin_anew(
                        z, saved, base + z.saved_starts + s * z.ld_start, work, memories + s * z.ld_memory,
                        state0 + s * z.layers * 2 * z.ld_hidden, seen0 + s * columns,
                    )  # fmt: skip
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
                        direct_layer(z, layer, weights_at, work, place + s * columns, gates0 + s * z.ld_gates)
                else:
                    matmul(
                        active, panels, z.vector, depth, work, place, columns, 1, packed, weights, depth * z.vector,
                        z.vector, work, gates0, z.ld_gates, False,
                    )  # fmt: skip
                for s in range(active):
                    state = state0 + (s * z.layers + layer) * 2 * z.ld_hidden
                    keep = base + ((step_kept * z.rows + s) * z.layers + layer) * z.ld_gates
                    raw = gates0 + s * z.ld_gates
                    cell_forward(
                        z.cell, z.linear, work, raw, saved, keep, work, state, state + z.ld_hidden, z.hidden, z.vector
                    )  # fmt: skip
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
                    direct_interface(z, weights_at, work, top0 + s * z.ld_top, raw0 + s * z.ld_parameters)
            else:
                matmul(
                    active, panels, z.vector, depth, work, top0, z.ld_top, 1, packed, z.pack_interface,
                    depth * z.vector, z.vector, work, raw0, z.ld_parameters, False,
                )  # fmt: skip
            for s in range(active):
                row, notes = seen0 + s * columns, before + s * z.ld_notes
                if begins_anew(call, z, t, order[first + s]):
                    notes = base + z.saved_starts + s * z.ld_start
                step(
                    call, z, work, memories + s * z.ld_memory, raw0 + s * z.ld_parameters, saved,
                    base + z.saved_parameters + (step_kept * z.rows + s) * z.ld_parameters, notes,
                    after + s * z.ld_notes, row, scratch,
                )  # fmt: skip
                copy(work, row, given, (t * z.batch + order[first + s]) * given_width + z.hidden, read_width)
                if z.targets > 0:
                    copy(work, row, work, top0 + s * z.ld_top + z.hidden + 1, read_width)
                elif call.outputs != 0:
                    direct_output(z, call, work, top0 + s * z.ld_top, row, t * z.batch + order[first + s])
            if z.targets > 0:
                pay(z, call, t, first, active, packed, work, top0, logits0, costs0)
        for s in range(rows):
            b = order[first + s]
            if z.targets > 0:
                floats(work, call.costs)[b] = total(load(work, costs0 + s * z.vector))
            last = lengths[b] if z.keep else lengths[b] % 2
            notes = base + z.saved_notes + (last * z.rows + s) * z.ld_notes
            store(call, z, b, work, memories + s * z.ld_memory, saved, notes)
            copy(work, seen0 + s * columns, reads1, b * read_width, read_width)
            for layer in range(z.layers):
                state = state0 + (s * z.layers + layer) * 2 * z.ld_hidden
                if recurrent > 0:
                    copy(work, state, hidden1, (b * z.layers + layer) * z.hidden, z.hidden)
                if z.cell == LSTM:
                    copy(work, state + z.ld_hidden, cell1, (b * z.layers + layer) * z.hidden, z.hidden)

    return forward_block
