"""The heads' part of one step of one sequence, forward: write, then read. What the engine calls stands last."""

import math

from neuraltape.kernels.cpu.lib.activations import sigmoid_of, softplus
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.products import along_rows, over_slots
from neuraltape.kernels.cpu.lib.simd import floats, integers, keep_apart, sigmoid, tanh
from neuraltape.kernels.cpu.lib.simd import load as load_vector
from neuraltape.kernels.cpu.lib.simd import store as store_vector
from neuraltape.kernels.cpu.lib.tiles import load_tiles, load_weights, store_tiles, store_weights
from neuraltape.kernels.cpu.ntm.heads import address
from neuraltape.kernels.cpu.ntm.memory import norms, write


@helper
def activate(raw, r0, result, p0, z):
    """Bring one row of raw head parameters into their ranges.

    Whole vectors spill over the end of a part; the order of the parts makes the next one repair that.
    """
    keep_apart()
    for i in range(0, z.heads * z.width, z.vector):
        store_vector(result, p0 + i, tanh(load_vector(raw, r0 + i)))
    for i in range(z.erase, z.add, z.vector):
        store_vector(result, p0 + i, sigmoid(load_vector(raw, r0 + i)))
    for i in range(z.add, z.parameters, z.vector):
        store_vector(result, p0 + i, tanh(load_vector(raw, r0 + i)))
    for head in range(z.heads):
        result[p0 + z.strength + head] = softplus(raw[r0 + z.strength + head])
        result[p0 + z.sharpness + head] = 1.0 + softplus(raw[r0 + z.sharpness + head])
        result[p0 + z.gate + head] = sigmoid_of(raw[r0 + z.gate + head])
        first = z.shift + head * z.moves
        peak = raw[r0 + first]
        for k in range(1, z.moves):
            peak = max(peak, raw[r0 + first + k])
        summed = 0.0
        for k in range(z.moves):
            power = math.exp(raw[r0 + first + k] - peak)
            summed += power
            result[p0 + first + k] = power
        for k in range(z.moves):
            result[p0 + first + k] = result[p0 + first + k] / summed


@helper
def address_heads(work, m0, p, p0, first, count, before, b0, after, a0, scratch, mask, moves, z):
    """The weightings of `count` heads from the `first` on."""
    keep_apart()
    along_rows(work, m0, p, p0 + first * z.width, count, work, scratch, False, z.tiles, z.width, z.vector)
    ring = scratch + count * z.padded
    for i in range(count):
        head = first + i
        address(
            work, m0, scratch + i * z.padded, p, p0 + head * z.width, p0 + z.strength + head, p0 + z.gate + head,
            p0 + z.shift + head * z.moves, p0 + z.sharpness + head, before, b0 + head * z.padded, after,
            a0 + head * z.padded, ring, mask, moves, z,
        )  # fmt: skip


@helper
def load(call, z, b, work, memory, saved, notes):
    """Bring one sequence's first state in. See `engine.access.Access`."""
    load_tiles(floats(work, call.memory0), b * z.slots * z.width, work, memory, z.slots, z.tiles, z.width, z.vector)
    norms(work, memory, z.tiles, z.width, z.vector)
    load_weights(floats(work, call.read_weights0), b * z.reading * z.slots, saved, notes, z.reading, z)
    written = notes + z.reading * z.padded
    load_weights(floats(work, call.write_weights0), b * z.writing * z.slots, saved, written, z.writing, z)


@helper
def store(call, z, b, work, memory, saved, notes):
    """Bring one sequence's last state out. See `engine.access.Access`."""
    store_tiles(work, memory, floats(work, call.memory1), b * z.slots * z.width, z.slots, z.tiles, z.width, z.vector)
    store_weights(saved, notes, floats(work, call.read_weights1), b * z.reading * z.slots, z.reading, z)
    written = notes + z.reading * z.padded
    store_weights(saved, written, floats(work, call.write_weights1), b * z.writing * z.slots, z.writing, z)


@helper
def forward(call, z, work, memory, raw, saved, parameters, before, after, reads, scratch):
    """Write, then read. See `engine.access.Access`."""
    keep_apart()
    mask, moves = floats(work, call.mask), integers(call.moves)
    activate(work, raw, saved, parameters, z)
    address_heads(
        work, memory, saved, parameters, z.reading, z.writing, saved, before, saved, after, scratch, mask, moves, z
    )
    written = after + z.reading * z.padded
    write(
        work, memory, memory, saved, written, saved, parameters + z.erase, parameters + z.add, z.writing, z.tiles,
        z.width, z.vector,
    )  # fmt: skip
    address_heads(work, memory, saved, parameters, 0, z.reading, saved, before, saved, after, scratch, mask, moves, z)
    over_slots(work, memory, saved, after, z.reading, work, reads, False, z.tiles, z.width, z.vector)


@helper
def replay(call, z, work, old, new, saved, parameters, before, after, scratch):
    """The memory after the step from that before. See `engine.access.Access`."""
    write(
        work, old, new, saved, after + z.reading * z.padded, saved, parameters + z.erase, parameters + z.add, z.writing,
        z.tiles, z.width, z.vector,
    )  # fmt: skip
