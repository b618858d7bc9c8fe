"""The heads' part of one step of one sequence, backward. Equations: README.md. What the engine calls stands last."""

from neuraltape.kernels.cpu.lib.activations import softplus_slope
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.products import along_rows, over_slots, spread
from neuraltape.kernels.cpu.lib.simd import floats, integers, keep_apart, splat, store
from neuraltape.kernels.cpu.lib.tiles import load_tiles, load_weights, store_tiles, store_weights
from neuraltape.kernels.cpu.ntm.heads import address_backward
from neuraltape.kernels.cpu.ntm.memory import write_backward


@helper
def activate_backward(parameters, p0, slopes, s0, z):
    """From gradients of activated head parameters to those of the raw ones, in place."""
    keep_apart()
    for i in range(z.heads * z.width):
        value = parameters[p0 + i]
        slopes[s0 + i] *= (1 - value) * (1 + value)
    for i in range(z.erase, z.add):
        value = parameters[p0 + i]
        slopes[s0 + i] *= value * (1 - value)
    for i in range(z.add, z.parameters):
        value = parameters[p0 + i]
        slopes[s0 + i] *= (1 - value) * (1 + value)
    for head in range(z.heads):
        slopes[s0 + z.strength + head] *= softplus_slope(parameters[p0 + z.strength + head])
        slopes[s0 + z.sharpness + head] *= softplus_slope(parameters[p0 + z.sharpness + head] - 1.0)
        gate = parameters[p0 + z.gate + head]
        slopes[s0 + z.gate + head] *= gate * (1 - gate)
        first = z.shift + head * z.moves
        mean = 0.0
        for k in range(z.moves):
            mean += parameters[p0 + first + k] * slopes[s0 + first + k]
        for k in range(z.moves):
            slopes[s0 + first + k] = parameters[p0 + first + k] * (slopes[s0 + first + k] - mean)


@helper
def backward_heads(
    work, m0, slope, p, p0, first, count, before, b0, after, a0, dweights, dreads, dp, scratch, mask, moves, z
):
    """Backward of `address_heads`, and of what the read heads read, from the gradients of the weightings.

    m0: the memory that these heads looked at. slope: its gradient, added to. p, p0, before, b0, after, a0: as `forward`
    left them. Others as for `backward`.
    """
    keep_apart()
    tiles, width, vector = z.tiles, z.width, z.vector
    keys = p0 + first * width
    shrink, room = scratch + count * z.padded, scratch + (count + 1) * z.padded
    along_rows(work, m0, p, keys, count, work, scratch, False, tiles, width, vector)
    for tile in range(tiles):
        store(work, shrink + tile * vector, splat(work, 0.0))
    for i in range(count):
        head = first + i
        place = head * z.padded
        address_backward(
            work, m0, scratch + i * z.padded, shrink, p, p0 + head * width, p0 + z.strength + head, p0 + z.gate + head,
            p0 + z.shift + head * z.moves, p0 + z.sharpness + head, before, b0 + place, after, a0 + place,
            dweights + place, dp - p0, room, mask, moves, z,
        )  # fmt: skip
    over_slots(work, m0, work, scratch, count, work, dp + first * width, True, tiles, width, vector)
    reading = count if first == 0 else 0
    spread(work, m0, work, slope, shrink, scratch, (p, keys), count, after, a0, dreads, reading, tiles, width, vector)


@helper
def load_slopes(call, z, b, work, slopes, dnotes):
    """Bring in the gradient of one sequence's last state, where there is one. See `engine.access.Access`."""
    if call.dmemory1 != 0:
        source = floats(work, call.dmemory1)
        load_tiles(source, b * z.slots * z.width, work, slopes, z.slots, z.tiles, z.width, z.vector)
    if call.dread_weights1 != 0:
        load_weights(floats(work, call.dread_weights1), b * z.reading * z.slots, work, dnotes, z.reading, z)
    if call.dwrite_weights1 != 0:
        written = dnotes + z.reading * z.padded
        load_weights(floats(work, call.dwrite_weights1), b * z.writing * z.slots, work, written, z.writing, z)


@helper
def store_slopes(call, z, b, work, slopes, dnotes):
    """Bring out the gradient of one sequence's first state, where it is asked for. See `engine.access.Access`."""
    if call.dmemory0 != 0:
        target = floats(work, call.dmemory0)
        store_tiles(work, slopes, target, b * z.slots * z.width, z.slots, z.tiles, z.width, z.vector)
    if call.dread_weights0 != 0:
        store_weights(work, dnotes, floats(work, call.dread_weights0), b * z.reading * z.slots, z.reading, z)
    if call.dwrite_weights0 != 0:
        written = dnotes + z.reading * z.padded
        store_weights(work, written, floats(work, call.dwrite_weights0), b * z.writing * z.slots, z.writing, z)


@helper
def backward(call, z, work, old, new, slopes, saved, parameters, before, after, dnotes, dreads, dparameters, scratch):
    """Backward of `step.forward`. See `engine.access.Access`."""
    keep_apart()
    mask, moves = floats(work, call.mask), integers(call.moves)
    p, written = parameters, z.reading * z.padded
    along_rows(work, new, work, dreads, z.reading, work, dnotes, True, z.tiles, z.width, z.vector)
    backward_heads(
        work, new, slopes, saved, p, 0, z.reading, saved, before, saved, after, dnotes, dreads, dparameters, scratch,
        mask, moves, z,
    )  # fmt: skip
    write_backward(
        work, old, work, slopes, saved, after + written, saved, p + z.erase, p + z.add, work, dnotes + written, work,
        dparameters + z.erase, dparameters + z.add, z.writing, z.tiles, z.width, z.vector,
    )  # fmt: skip
    backward_heads(
        work, old, slopes, saved, p, z.reading, z.writing, saved, before, saved, after, dnotes, dreads, dparameters,
        scratch, mask, moves, z,
    )  # fmt: skip
    activate_backward(saved, p, work, dparameters, z)
