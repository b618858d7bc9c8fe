"""The heads' part of one step of one sequence: write, then read; forward and backward."""

import math

from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.products import along_rows, over_slots, spread
from neuraltape.kernels.cpu.lib.simd import keep_apart, load, sigmoid, splat, store, tanh
from neuraltape.kernels.cpu.ntm.heads import address, address_backward
from neuraltape.kernels.cpu.ntm.memory import write, write_backward


@helper
def softplus(x):
    """log(1 + e^x) without overflow."""
    # From 20 on torch's softplus is the identity; NaN takes this way too.
    return math.log1p(math.exp(-abs(x))) + max(x, 0.0) if x <= 20.0 else x


@helper
def softplus_slope(value):
    """Slope of softplus where it has this value: 1 - e^-value."""
    return 1.0 if value > 20.0 else -math.expm1(-value)


@helper
def activate(raw, r0, result, p0, z):
    """Bring one row of raw head parameters into their ranges.

    Whole vectors spill over the end of a part; the order of the parts makes the next one repair that.
    """
    keep_apart()
    for i in range(0, z.heads * z.width, z.vector):
        store(result, p0 + i, tanh(load(raw, r0 + i)))
    for i in range(z.erase, z.add, z.vector):
        store(result, p0 + i, sigmoid(load(raw, r0 + i)))
    for i in range(z.add, z.parameters, z.vector):
        store(result, p0 + i, tanh(load(raw, r0 + i)))
    for head in range(z.heads):
        result[p0 + z.strength + head] = softplus(raw[r0 + z.strength + head])
        result[p0 + z.sharpness + head] = 1.0 + softplus(raw[r0 + z.sharpness + head])
        gate = raw[r0 + z.gate + head]
        small = math.exp(-abs(gate))
        result[p0 + z.gate + head] = (1.0 if gate >= 0.0 else small) / (1.0 + small)
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
def access_forward(work, m0, raw, p, p0, before, b0, after, a0, reads, r0, scratch, mask, moves, z):
    """One step of the heads.

    Args:
        work, m0: the memory (tiles, norms), changed in place. scratch: free room in `work`.
        raw: place of the raw parameters in `work`. p, p0: receives the activated ones.
        before, b0: weightings of the step before, all read heads, then all write heads.
        after, a0: receives the new weightings.
        reads, r0: receives what was read.
    """
    keep_apart()
    activate(work, raw, p, p0, z)
    address_heads(work, m0, p, p0, z.reading, z.writing, before, b0, after, a0, scratch, mask, moves, z)
    first = a0 + z.reading * z.padded
    write(work, m0, m0, after, first, p, p0 + z.erase, p0 + z.add, z.writing, z.tiles, z.width, z.vector)
    address_heads(work, m0, p, p0, 0, z.reading, before, b0, after, a0, scratch, mask, moves, z)
    over_slots(work, m0, after, a0, z.reading, reads, r0, False, z.tiles, z.width, z.vector)


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
def access_backward(work, old, new, slope, p, p0, before, b0, after, a0, dweights, dreads, dp, scratch, mask, moves, z):
    """Backward of `access_forward`.

    Args:
        work: working space with, at these places:
        old, new: the memory before and after the step.
        slope: gradient of the memory after; becomes that of the memory before.
        dweights: gradient of the weightings after; becomes that of the weightings before.
        dreads: gradient of the reads. dp: receives the gradient of the raw head parameters.
        p, p0, before, b0, after, a0: as `access_forward` left them.
    """
    keep_apart()
    written = z.reading * z.padded
    along_rows(work, new, work, dreads, z.reading, work, dweights, True, z.tiles, z.width, z.vector)
    backward_heads(
        work, new, slope, p, p0, 0, z.reading, before, b0, after, a0, dweights, dreads, dp, scratch, mask, moves, z,
    )  # fmt: skip
    write_backward(
        work, old, work, slope, after, a0 + written, p, p0 + z.erase, p0 + z.add, work, dweights + written, work,
        dp + z.erase, dp + z.add, z.writing, z.tiles, z.width, z.vector,
    )  # fmt: skip
    backward_heads(
        work, old, slope, p, p0, z.reading, z.writing, before, b0, after, a0, dweights, dreads, dp, scratch, mask,
        moves, z,
    )  # fmt: skip
    activate_backward(p, p0, work, dp, z)


@helper
def backward_heads(
    work, m0, slope, p, p0, first, count, before, b0, after, a0, dweights, dreads, dp, scratch, mask, moves, z
):
    """Backward of `address_heads`, and of what the read heads read, from the gradients of the weightings.

    m0: the memory that these heads looked at. slope: its gradient, added to. Others as for `access_backward`.
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
