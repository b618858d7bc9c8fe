"""The heads' part of one step for a whole batch, forward and backward: for controllers that are not built in."""

from neuraltape.kernels.cpu.engine.forward import pad_weights
from neuraltape.kernels.cpu.engine.plan import parts
from neuraltape.kernels.cpu.lib.compiler import helper, kernel
from neuraltape.kernels.cpu.lib.job import task
from neuraltape.kernels.cpu.lib.simd import copy, floats, integers, keep_apart
from neuraltape.kernels.cpu.ntm.access import access_backward, access_forward, activate
from neuraltape.kernels.cpu.ntm.memory import load_memory, norms, store_memory, write


@helper
def load_step(z, b, raw, memory0, read0, write0, work, raw0, memory, before):
    """Bring one sequence's raw head parameters, memory and weightings into the working space."""
    copy(raw, b * z.parameters, work, raw0, z.parameters)
    load_memory(memory0, b * z.slots * z.width, work, memory, z.slots, z.tiles, z.width, z.vector)
    norms(work, memory, z.tiles, z.width, z.vector)
    load_weights(z, b, read0, write0, work, before)


@helper
def load_weights(z, b, read, write, work, target):
    """All heads' weightings of one sequence, padded."""
    for head in range(z.heads):
        place = target + head * z.padded
        if head < z.reading:
            pad_weights(read, (b * z.reading + head) * z.slots, work, place, z)
        else:
            pad_weights(write, (b * z.writing + head - z.reading) * z.slots, work, place, z)


@helper
def store_weights(z, b, read, write, work, source):
    """All heads' weightings of one sequence, without padding."""
    for head in range(z.heads):
        place = source + head * z.padded
        if head < z.reading:
            copy(work, place, read, (b * z.reading + head) * z.slots, z.slots)
        else:
            copy(work, place, write, (b * z.writing + head - z.reading) * z.slots, z.slots)


@helper
def access_forward_block(z, block, table, work):
    """One block of sequences, one step.

    Args:
        z, block, work: as for `forward_block`.
        table: addresses of mask and moves; raw (B, parameters), memory0, read0, write0: before the step; memory1,
        read1,
            write1, reads1: receive the state after it.
    """
    keep_apart()
    mask = floats(work, table[0])
    moves = integers(table[1])
    raw = floats(work, table[2])
    memory0 = floats(work, table[3])
    read0 = floats(work, table[4])
    write0 = floats(work, table[5])
    memory1 = floats(work, table[6])
    read1 = floats(work, table[7])
    write1 = floats(work, table[8])
    reads1 = floats(work, table[9])
    raw0 = 0
    p0 = raw0 + z.ld_parameters
    before = p0 + z.ld_parameters
    after = before + z.ld_weights
    memory = after + z.ld_weights
    scratch = memory + z.ld_memory
    for b in range(block * z.rows, min((block + 1) * z.rows, z.batch)):
        load_step(z, b, raw, memory0, read0, write0, work, raw0, memory, before)
        access_forward(
            work, memory, raw0, work, p0, work, before, work, after, reads1, b * z.reading * z.width, scratch, mask,
            moves, z,
        )  # fmt: skip
        store_memory(work, memory, memory1, b * z.slots * z.width, z.slots, z.tiles, z.width, z.vector)
        store_weights(z, b, read1, write1, work, after)


@helper
def access_backward_block(z, block, table, work):
    """Backward of `access_forward_block`.

    Args:
        z, block, work: as for `forward_block`.
        table: addresses of mask and moves; raw, memory0, read0, write0, read1, write1: as for `access_forward_block`;
        dmemory1,
            dread1, dwrite1, dreads1: gradients of the state after the step; draw, dmemory0, dread0, dwrite0: receive
            those of `raw` and of the state before.
    """
    keep_apart()
    mask = floats(work, table[0])
    moves = integers(table[1])
    raw = floats(work, table[2])
    memory0 = floats(work, table[3])
    read0 = floats(work, table[4])
    write0 = floats(work, table[5])
    read1 = floats(work, table[6])
    write1 = floats(work, table[7])
    dmemory1 = floats(work, table[8])
    dread1 = floats(work, table[9])
    dwrite1 = floats(work, table[10])
    dreads1 = floats(work, table[11])
    draw = floats(work, table[12])
    dmemory0 = floats(work, table[13])
    dread0 = floats(work, table[14])
    dwrite0 = floats(work, table[15])
    raw0 = 0
    p0 = raw0 + z.ld_parameters
    dp = p0 + z.ld_parameters
    before = dp + z.ld_parameters
    after = before + z.ld_weights
    dweights = after + z.ld_weights
    dreads = dweights + z.ld_weights
    old = dreads + z.ld_first
    new = old + z.ld_memory
    slope = new + z.ld_memory
    scratch = slope + z.ld_memory
    for b in range(block * z.rows, min((block + 1) * z.rows, z.batch)):
        load_step(z, b, raw, memory0, read0, write0, work, raw0, old, before)
        activate(work, raw0, work, p0, z)
        load_weights(z, b, read1, write1, work, after)
        weights = after + z.reading * z.padded
        write(work, old, new, work, weights, work, p0 + z.erase, p0 + z.add, z.writing, z.tiles, z.width, z.vector)
        load_memory(dmemory1, b * z.slots * z.width, work, slope, z.slots, z.tiles, z.width, z.vector)
        load_weights(z, b, dread1, dwrite1, work, dweights)
        copy(dreads1, b * z.reading * z.width, work, dreads, z.reading * z.width)
        access_backward(
            work, old, new, slope, work, p0, work, before, work, after, dweights, dreads, dp, scratch, mask, moves,
            z,
        )  # fmt: skip
        copy(work, dp, draw, b * z.parameters, z.parameters)
        store_memory(work, slope, dmemory0, b * z.slots * z.width, z.slots, z.tiles, z.width, z.vector)
        store_weights(z, b, dread0, dwrite0, work, dweights)


@kernel
def access_forward_step(job):
    """Blocks of sequences, one step forward, until none is left. See `access_forward_block`."""
    z, table, work = parts(job)
    block = task(job)
    while block >= 0:
        access_forward_block(z, block, table, work)
        block = task(job)


@kernel
def access_backward_step(job):
    """Blocks of sequences, one step backward, until none is left. See `access_backward_block`."""
    z, table, work = parts(job)
    block = task(job)
    while block >= 0:
        access_backward_block(z, block, table, work)
        block = task(job)
