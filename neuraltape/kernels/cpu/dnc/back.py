"""One step of one sequence, backward. Equations: README.md. What the engine calls stands last."""

from neuraltape.functional.dnc import MASK_FLOOR
from neuraltape.kernels.cpu.dnc.allocation import (
    allocate,
    allocate_backward,
    retention,
    retention_backward,
    usage_backward,
)
from neuraltape.kernels.cpu.dnc.content import look_up_backward
from neuraltape.kernels.cpu.dnc.links import links_backward, modes_backward
from neuraltape.kernels.cpu.dnc.memory import write_backward
from neuraltape.kernels.cpu.lib.activations import softplus_slope
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.products import along_rows
from neuraltape.kernels.cpu.lib.simd import copy, floats, keep_apart, load, multiply_add, splat, store, total
from neuraltape.kernels.cpu.lib.tiles import load_tiles, load_weights, store_tiles, store_weights


@helper
def clear(z, work, start, count):
    """Set `count` weightings to 0."""
    for tile in range(count * z.tiles):
        store(work, start + tile * z.vector, splat(work, 0.0))


@helper
def write_focus_backward(z, work, saved, p, after, offered, dfocus, doffered, dsame, dparameters):
    """Backward of `step.write_focus`. Sets the gradients of both gates, of what is offered and what the key matches."""
    keep_apart()
    allocation_gate, write_gate = saved[p + z.allocation_gate], saved[p + z.write_gate]
    fresh = write_gate * allocation_gate
    known = write_gate - fresh
    of_offered, of_same = splat(work, 0.0), splat(work, 0.0)
    for tile in range(z.tiles):
        place = tile * z.vector
        slope = load(work, dfocus + place)
        of_offered = multiply_add(slope, load(work, offered + place), of_offered)
        of_same = multiply_add(slope, load(saved, after + z.same + place), of_same)
        store(work, doffered + place, slope * fresh)
        store(work, dsame + place, slope * known)
    first, second = total(of_offered), total(of_same)
    work[dparameters + z.allocation_gate] = write_gate * (first - second)
    work[dparameters + z.write_gate] = allocation_gate * first + (1.0 - allocation_gate) * second


@helper
def activate_backward(z, work, saved, p, row, slopes):
    """From gradients of activated head parameters to those of the raw ones, in place. Those of the modes are raw."""
    keep_apart()
    for i in range(z.mask, z.strength):
        opened = (saved[p + i] - MASK_FLOOR) / (1.0 - MASK_FLOOR)
        work[slopes + i] *= (saved[p + i] - MASK_FLOOR) * (1.0 - opened)
    for i in range(z.strength, z.erase):
        work[slopes + i] *= softplus_slope(saved[p + i] - 1.0)
    for i in range(z.erase, z.add):
        work[slopes + i] *= saved[p + i] * (1.0 - saved[p + i])
    for i in range(z.free, z.modes):
        work[slopes + i] *= saved[p + i] * (1.0 - saved[p + i])
    if z.normed != 0:
        summed, along = 0.0, 0.0
        for i in range(z.parameters):
            summed += work[slopes + i]
            along += work[slopes + i] * saved[row + i]
        mean, part, inverse = summed / z.parameters, along / z.parameters, saved[row + z.parameters]
        for i in range(z.parameters):
            work[slopes + i] = inverse * (work[slopes + i] - mean - saved[row + i] * part)


@helper
def load_slopes(call, z, b, work, slopes, dnotes):
    """Bring in the gradient of one sequence's last state, where there is one. See `engine.access.Access`."""
    if call.dmemory1 != 0:
        source = floats(work, call.dmemory1)
        load_tiles(source, b * z.slots * z.width, work, slopes, z.slots, z.tiles, z.width, z.vector)
    if call.dread_weights1 != 0:
        load_weights(floats(work, call.dread_weights1), b * z.reading * z.slots, work, dnotes, z.reading, z)
    if call.dwrite_weights1 != 0:
        load_weights(floats(work, call.dwrite_weights1), b * z.slots, work, dnotes + z.written, 1, z)
    if call.dusage1 != 0:
        load_weights(floats(work, call.dusage1), b * z.slots, work, dnotes + z.used, 1, z)
    if z.links != 0 and call.dlink1 != 0:
        source = floats(work, call.dlink1)
        load_weights(source, b * z.slots * z.slots, work, slopes + z.link, z.slots, z)
    if z.links != 0 and call.dprecedence1 != 0:
        load_weights(floats(work, call.dprecedence1), b * z.slots, work, slopes + z.precedence, 1, z)


@helper
def store_slopes(call, z, b, work, slopes, dnotes):
    """Bring out the gradient of one sequence's first state, where it is asked for. See `engine.access.Access`."""
    if call.dmemory0 != 0:
        target = floats(work, call.dmemory0)
        store_tiles(work, slopes, target, b * z.slots * z.width, z.slots, z.tiles, z.width, z.vector)
    if call.dread_weights0 != 0:
        store_weights(work, dnotes, floats(work, call.dread_weights0), b * z.reading * z.slots, z.reading, z)
    if call.dwrite_weights0 != 0:
        store_weights(work, dnotes + z.written, floats(work, call.dwrite_weights0), b * z.slots, 1, z)
    if call.dusage0 != 0:
        store_weights(work, dnotes + z.used, floats(work, call.dusage0), b * z.slots, 1, z)
    if z.links != 0 and call.dlink0 != 0:
        target = floats(work, call.dlink0)
        store_weights(work, slopes + z.link, target, b * z.slots * z.slots, z.slots, z)
    if z.links != 0 and call.dprecedence0 != 0:
        store_weights(work, slopes + z.precedence, floats(work, call.dprecedence0), b * z.slots, 1, z)


@helper
def backward(call, z, work, old, new, slopes, saved, parameters, before, after, dnotes, dreads, dparameters, scratch):
    """Backward of `step.forward`. See `engine.access.Access`."""
    keep_apart()
    p, heads = parameters, z.reading * z.padded
    kept, dkept, offered = scratch, scratch + z.padded, scratch + 2 * z.padded
    doffered, dsame, dalike = scratch + 3 * z.padded, scratch + 4 * z.padded, scratch + 5 * z.padded
    dback, don = dalike + heads, dalike + 2 * heads
    room = don + heads
    dwritten, dused = dnotes + z.written, dnotes + z.used
    # Read.
    along_rows(work, new, work, dreads, z.reading, work, dnotes, True, z.tiles, z.width, z.vector)
    if z.links != 0:
        modes_backward(z, work, saved, p, after, dnotes, dback, dalike, don, dparameters)
    else:
        copy(work, dnotes, work, dalike, heads)
    look_up_backward(
        z, work, new, slopes, saved, p, 0, z.reading, after + z.alike, dalike, dparameters, (after, dreads, z.reading),
        room,
    )  # fmt: skip
    # From here on it is the gradient of the read weights before.
    clear(z, work, dnotes, z.reading)
    if z.links != 0:
        links_backward(z, work, old, new, slopes, saved, before, after + z.written, dback, don, dnotes, dwritten)
    # Write.
    retention(z, work, saved, p, before, kept)
    clear(z, work, dkept, 1)
    write_backward(z, work, old, slopes, saved, p, after + z.written, kept, dwritten, dkept, dparameters)
    allocate(z, work, saved, after, offered)
    write_focus_backward(z, work, saved, p, after, offered, dwritten, doffered, dsame, dparameters)
    look_up_backward(
        z, work, old, slopes, saved, p, z.reading, 1, after + z.same, dsame, dparameters, (after, dreads, 0), room
    )
    # Allocate and free.
    allocate_backward(z, work, saved, after, doffered, dused, room)
    usage_backward(z, work, saved, before, kept, dused, dkept)
    retention_backward(z, work, saved, p, before, dkept, dnotes, dparameters)
    clear(z, work, dwritten, 1)
    activate_backward(z, work, saved, p, after + z.row, dparameters)
