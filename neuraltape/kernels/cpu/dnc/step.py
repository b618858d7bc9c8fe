"""One step of one sequence, forward: free, allocate, write, link, read. What the engine calls stands last."""

import math

from neuraltape.functional.dnc import MASK_FLOOR, NORM_EPS
from neuraltape.kernels.cpu.dnc.allocation import allocate, count_usage, retention, sort_slots
from neuraltape.kernels.cpu.dnc.content import look_up
from neuraltape.kernels.cpu.dnc.links import choose_modes, follow, update_links
from neuraltape.kernels.cpu.dnc.memory import norms, write
from neuraltape.kernels.cpu.lib.activations import sigmoid_of, softplus
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.products import over_slots
from neuraltape.kernels.cpu.lib.simd import copy, floats, keep_apart, sigmoid
from neuraltape.kernels.cpu.lib.simd import load as load_vector
from neuraltape.kernels.cpu.lib.simd import store as store_vector
from neuraltape.kernels.cpu.lib.tiles import load_tiles, load_weights, store_tiles, store_weights

_MASK_RANGE = 1.0 - MASK_FLOOR


@helper
def normalise(z, work, raw, saved, row):
    """Layer norm of a raw row in place. The notes receive it, and one over its deviation behind it."""
    keep_apart()
    summed, squared = 0.0, 0.0
    for i in range(z.parameters):
        summed += work[raw + i]
    mean = summed / z.parameters
    for i in range(z.parameters):
        squared += (work[raw + i] - mean) * (work[raw + i] - mean)
    inverse = 1.0 / math.sqrt(squared / z.parameters + NORM_EPS)
    for i in range(z.parameters):
        work[raw + i] = (work[raw + i] - mean) * inverse
        saved[row + i] = work[raw + i]
    saved[row + z.parameters] = inverse


@helper
def activate(z, work, raw, saved, p):
    """Bring one row of raw head parameters into their ranges.

    Whole vectors spill over the end of a part; the order of the parts makes a later one repair that.
    """
    keep_apart()
    heads = z.reading + 1
    copy(work, raw, saved, p, heads * z.width)
    for i in range(z.mask, z.strength, z.vector):
        opened = sigmoid(load_vector(work, raw + i))
        store_vector(saved, p + i, opened * _MASK_RANGE + MASK_FLOOR)
    for i in range(z.erase, z.add, z.vector):
        store_vector(saved, p + i, sigmoid(load_vector(work, raw + i)))
    for i in range(z.strength, z.erase):
        saved[p + i] = 1.0 + softplus(work[raw + i])
    copy(work, raw + z.add, saved, p + z.add, z.width)
    for i in range(z.free, z.modes):
        saved[p + i] = sigmoid_of(work[raw + i])
    for i in range(z.modes, z.modes + 3 * z.reading * z.links, 3):
        peak = max(work[raw + i], work[raw + i + 1], work[raw + i + 2])
        summed = 0.0
        for k in range(i, i + 3):
            power = math.exp(work[raw + k] - peak)
            saved[p + k] = power
            summed += power
        for k in range(i, i + 3):
            saved[p + k] = saved[p + k] / summed


@helper
def write_focus(z, work, saved, p, after, offered):
    """Where to write, from what is offered and what the key matches, into the notes."""
    keep_apart()
    write_gate = saved[p + z.write_gate]
    fresh = write_gate * saved[p + z.allocation_gate]
    known = write_gate - fresh
    for tile in range(z.tiles):
        place = tile * z.vector
        focus = load_vector(work, offered + place) * fresh + load_vector(saved, after + z.same + place) * known
        store_vector(saved, after + z.written + place, focus)


@helper
def load(call, z, b, work, memory, saved, notes):
    """Bring one sequence's first state in. See `engine.access.Access`."""
    load_tiles(floats(work, call.memory0), b * z.slots * z.width, work, memory, z.slots, z.tiles, z.width, z.vector)
    norms(z, work, memory)
    load_weights(floats(work, call.read_weights0), b * z.reading * z.slots, saved, notes, z.reading, z)
    load_weights(floats(work, call.write_weights0), b * z.slots, saved, notes + z.written, 1, z)
    load_weights(floats(work, call.usage0), b * z.slots, saved, notes + z.used, 1, z)
    if z.links != 0:
        rows = floats(work, call.link0)
        load_weights(rows, b * z.slots * z.slots, work, memory + z.link, z.slots, z)
        load_weights(floats(work, call.precedence0), b * z.slots, work, memory + z.precedence, 1, z)


@helper
def store(call, z, b, work, memory, saved, notes):
    """Bring one sequence's last state out. See `engine.access.Access`."""
    store_tiles(work, memory, floats(work, call.memory1), b * z.slots * z.width, z.slots, z.tiles, z.width, z.vector)
    store_weights(saved, notes, floats(work, call.read_weights1), b * z.reading * z.slots, z.reading, z)
    store_weights(saved, notes + z.written, floats(work, call.write_weights1), b * z.slots, 1, z)
    store_weights(saved, notes + z.used, floats(work, call.usage1), b * z.slots, 1, z)
    if z.links != 0:
        rows = floats(work, call.link1)
        store_weights(work, memory + z.link, rows, b * z.slots * z.slots, z.slots, z)
        store_weights(work, memory + z.precedence, floats(work, call.precedence1), b * z.slots, 1, z)


@helper
def forward(call, z, work, memory, raw, saved, parameters, before, after, reads, scratch):
    """Free, allocate, write, link, read. See `engine.access.Access`."""
    keep_apart()
    p, kept, offered = parameters, scratch, scratch + z.padded
    room = offered + z.padded
    if z.normed != 0:
        normalise(z, work, raw, saved, after + z.row)
    activate(z, work, raw, saved, p)
    retention(z, work, saved, p, before, kept)
    count_usage(z, work, saved, before, after, kept)
    sort_slots(z, work, saved, after, room)
    allocate(z, work, saved, after, offered)
    look_up(call, z, work, memory, saved, p, z.reading, 1, after + z.same, room)
    write_focus(z, work, saved, p, after, offered)
    write(z, work, memory, memory, saved, p, after + z.written, kept)
    look_up(call, z, work, memory, saved, p, 0, z.reading, after + z.alike, room)
    if z.links != 0:
        update_links(z, work, memory, memory, saved, after + z.written)
        follow(z, work, memory, saved, before, after)
        choose_modes(z, work, saved, p, after)
    over_slots(work, memory, saved, after, z.reading, work, reads, False, z.tiles, z.width, z.vector)


@helper
def replay(call, z, work, old, new, saved, parameters, before, after, scratch):
    """The memory after the step from that before. See `engine.access.Access`."""
    if z.wipe != 0:
        retention(z, work, saved, parameters, before, scratch)
    write(z, work, old, new, saved, parameters, after + z.written, scratch)
    if z.links != 0:
        update_links(z, work, old, new, saved, after + z.written)
