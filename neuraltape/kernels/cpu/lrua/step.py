"""One step of one sequence, forward: write where it last read or over what is least used, then read by content."""

from neuraltape.kernels.cpu.lib.activations import sigmoid_of, softmax_numerators, softplus
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.products import along_rows, over_slots
from neuraltape.kernels.cpu.lib.simd import copy, floats, keep_apart, multiply_add, splat, tanh
from neuraltape.kernels.cpu.lib.simd import load as load_vector
from neuraltape.kernels.cpu.lib.simd import store as store_vector
from neuraltape.kernels.cpu.lib.tiles import load_tiles, load_weights, store_tiles, store_weights
from neuraltape.kernels.cpu.lrua.memory import (
    find_least,
    inverse_length,
    inverse_lengths,
    where_to_write,
    write_over,
)


@helper
def activate(work, raw, saved, p, z):
    """Bring one row of raw head parameters into their ranges.

    Whole vectors spill over the end of a part; the order of the parts makes the next one repair that.
    """
    keep_apart()
    for i in range(0, z.strength, z.vector):
        store_vector(saved, p + i, tanh(load_vector(work, raw + i)))
    for i in range(z.add, z.parameters, z.vector):
        store_vector(saved, p + i, tanh(load_vector(work, raw + i)))
    for head in range(z.heads):
        saved[p + z.strength + head] = softplus(work[raw + z.strength + head])
        saved[p + z.gate + head] = sigmoid_of(work[raw + z.gate + head])


@helper
def look_up(call, z, work, memory, saved, parameters, after, scores):
    """Read weights from what the rows resemble. scores: room for a number a head and slot."""
    keep_apart()
    tiles, width, vector, mask = z.tiles, z.width, z.vector, floats(work, call.mask)
    along_rows(work, memory, saved, parameters, z.heads, work, scores, False, tiles, width, vector)
    for head in range(z.heads):
        mine, focus = scores + head * z.padded, after + head * z.padded
        scale = inverse_length(saved, parameters + head * width, width)
        for tile in range(tiles):
            inverse = load_vector(work, memory + (tile * (width + 1) + width) * vector)
            store_vector(work, mine + tile * vector, load_vector(work, mine + tile * vector) * inverse * scale)
        strength = saved[parameters + z.strength + head]
        one_over_sum = softmax_numerators(work, mine, strength, mask, saved, focus, tiles, vector)
        for tile in range(tiles):
            store_vector(saved, focus + tile * vector, load_vector(saved, focus + tile * vector) * one_over_sum)


@helper
def load(call, z, b, work, memory, saved, notes):
    """Bring one sequence's first state in. See `engine.access.Access`."""
    load_tiles(floats(work, call.memory0), b * z.slots * z.width, work, memory, z.slots, z.tiles, z.width, z.vector)
    inverse_lengths(work, memory, z.tiles, z.width, z.vector)
    load_weights(floats(work, call.usage0), b * z.slots, work, memory + z.usage, 1, z)
    load_weights(floats(work, call.read_weights0), b * z.heads * z.slots, saved, notes, z.heads, z)
    for i in range(notes + z.least, notes + z.ld_notes):
        saved[i] = 0.0


@helper
def store(call, z, b, work, memory, saved, notes):
    """Bring one sequence's last state out. See `engine.access.Access`."""
    store_tiles(work, memory, floats(work, call.memory1), b * z.slots * z.width, z.slots, z.tiles, z.width, z.vector)
    store_weights(work, memory + z.usage, floats(work, call.usage1), b * z.slots, 1, z)
    store_weights(saved, notes, floats(work, call.read_weights1), b * z.heads * z.slots, z.heads, z)


@helper
def write(z, work, memory, saved, parameters, before, after, written):
    """Write into the memory, in place. written: place in `work` that receives the write weights."""
    p, least = parameters, after + z.least
    where_to_write(saved, before, saved, p + z.gate, saved, least, work, written, z.heads, z.tiles, z.vector)
    write_over(work, memory, saved, least, work, written, saved, p + z.add, z.heads, z.tiles, z.width, z.vector)


@helper
def forward(call, z, work, memory, raw, saved, parameters, before, after, reads, scratch):
    """Write, then read; count the use. See `engine.access.Access`."""
    keep_apart()
    usage, written, vector = memory + z.usage, scratch, z.vector
    decay = floats(work, call.decay)[0]
    activate(work, raw, saved, parameters, z)
    find_least(work, usage, z.slots, saved, after + z.least, z.heads)
    write(z, work, memory, saved, parameters, before, after, written)
    look_up(call, z, work, memory, saved, parameters, after, scratch + z.heads * z.padded)
    over_slots(work, memory, saved, after, z.heads, work, reads, False, z.tiles, z.width, vector)
    for tile in range(z.tiles):
        used = splat(work, 0.0)
        for head in range(z.heads):
            place = head * z.padded + tile * vector
            used = used + load_vector(saved, after + place) + load_vector(work, written + place)
        place = usage + tile * vector
        store_vector(work, place, multiply_add(load_vector(work, place), decay, used))


@helper
def replay(call, z, work, old, new, saved, parameters, before, after, scratch):
    """The memory after the step from that before; the usage has no part in the way back. See `engine.access.Access`."""
    copy(work, old, work, new, z.ld_memory)
    write(z, work, new, saved, parameters, before, after, scratch)
