"""Where one head of one sequence looks, forward and backward: equations 5 to 9 of the paper. See README.md."""

import math

import numpy as np

from neuraltape.functional.addressing import SMALLEST_NORM
from neuraltape.kernels.cpu.lib.activations import softmax_numerators
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import (
    keep_apart,
    load,
    log,
    multiply_add,
    smallest,
    splat,
    store,
    total,
    where,
)

_SMALLEST_SQUARE = SMALLEST_NORM**2


@helper
def wrap(ring, center, slots, padded, margin):
    """Continue a weighting beyond both its ends, so that a shifted read needs no remainder."""
    for j in range(slots, padded + margin):
        ring[center + j] = ring[center + j - slots]
    for j in range(1, margin + 1):
        ring[center - j] = ring[center - j + slots]


@helper
def inverse_length(vector, start, width):
    """1 / |vector|, 0 where it has no direction."""
    squared = 0.0
    for w in range(width):
        squared += vector[start + w] * vector[start + w]
    return 1.0 / math.sqrt(squared) if squared > _SMALLEST_SQUARE else 0.0


@helper
def cosines(memory, m0, parameters, key, score, tiles, width, vector):
    """From the products of the rows with a key, at `score`, to their cosines, in place; returns 1 / |key|."""
    scale = inverse_length(parameters, key, width)
    for tile in range(tiles):
        place = score + tile * vector
        inverse = load(memory, m0 + (tile * (width + 1) + width) * vector)
        store(memory, place, load(memory, place) * inverse * scale)
    return scale


@helper
def shifted(ring, center, parameters, shift, moves, count):
    """One vector of the circular convolution; `center` is the place of its first slot."""
    value = load(ring, center - moves[0]) * parameters[shift]
    for k in range(1, count):
        value = multiply_add(load(ring, center - moves[k]), parameters[shift + k], value)
    return value


@helper
def address(
    work, m0, score, parameters, key, strength, gate, shift, sharpness, before, b0, after, a0, ring, mask, moves, z,
):  # fmt: skip
    """The weighting of one head.

    Args:
        work, m0: the memory. score: place in `work` of its rows' products with the key; overwritten.
        parameters: activated head parameters; key, strength, gate, shift, sharpness: where this head's lie.
        before, b0: the weighting of the step before. after, a0: the result; both padded to whole vectors.
        ring: room in `work` for a weighting with its continuation at both ends.
        mask: 0 for slots, -inf for the padding.
        moves: the offsets, each as its shortest move.
    """
    keep_apart()
    tiles, vector = z.tiles, z.vector
    # Less is no focus at all.
    tiny = smallest(work)
    center = ring + z.center
    cosines(work, m0, parameters, key, score, tiles, z.width, vector)
    opened, closed = parameters[gate], 1.0 - parameters[gate]
    inverse = softmax_numerators(work, score, parameters[strength], mask, work, score, tiles, vector)
    for tile in range(tiles):
        kept = load(before, b0 + tile * vector) * closed
        store(work, center + tile * vector, multiply_add(load(work, score + tile * vector), opened * inverse, kept))
    wrap(work, center, z.slots, z.padded, z.margin)
    for tile in range(tiles):
        value = shifted(work, center + tile * vector, parameters, shift, moves, z.moves)
        store(work, score + tile * vector, where(value < tiny, -np.inf, log(value)))
    inverse = softmax_numerators(work, score, parameters[sharpness], mask, work, score, tiles, vector)
    for tile in range(tiles):
        store(after, a0 + tile * vector, load(work, score + tile * vector) * inverse)


@helper
def address_backward(
    work, m0, score, shrink, parameters, key, strength, gate, shift, sharpness, before, b0, after, a0, dafter, apart,
    room, mask, moves, z,
):  # fmt: skip
    """Backward of `address`, as far as the products with the key.

    Sets the gradients of the head's parameters; they lie in `work`, `apart` places further than in `parameters`. Of
    the key's it sets the part that does not come through the products.

    Args:
        score: place in `work` of the rows' products with the key; becomes their gradient.
        shrink: the gradient of M is `shrink` M less; added to.
        after: the weighting that `address` gave. dafter: place in `work` of its gradient; becomes that of the weighting
            before.
        room: in `work`, for a vector of slots and two rings.
    """
    keep_apart()
    tiles, vector, width = z.tiles, z.vector, z.width
    tiny = smallest(work)
    content = room
    ring = room + z.padded
    center, dcenter = ring + z.center, ring + z.ld_ring + z.margin + vector
    # Forward again, as far as the shift.
    scale = cosines(work, m0, parameters, key, score, tiles, width, vector)
    opened, closed = parameters[gate], 1.0 - parameters[gate]
    inverse = softmax_numerators(work, score, parameters[strength], mask, work, content, tiles, vector)
    for tile in range(tiles):
        value = load(work, content + tile * vector) * inverse
        store(work, content + tile * vector, value)
        store(work, center + tile * vector, multiply_add(value, opened, load(before, b0 + tile * vector) * closed))
    wrap(work, center, z.slots, z.padded, z.margin)
    # Sharpen.
    mean = splat(work, 0.0)
    for tile in range(tiles):
        mean = multiply_add(load(after, a0 + tile * vector), load(work, dafter + tile * vector), mean)
    average, gamma = total(mean), parameters[sharpness]
    dgamma = splat(work, 0.0)
    for tile in range(tiles):
        value = shifted(work, center + tile * vector, parameters, shift, moves, z.moves)
        slope = load(after, a0 + tile * vector) * (load(work, dafter + tile * vector) - average)
        empty = value < tiny
        safe = where(empty, 1.0, value)
        dgamma = multiply_add(slope, log(safe), dgamma)
        store(work, dcenter + tile * vector, where(empty, 0.0, slope * gamma / safe))
    work[apart + sharpness] = total(dgamma)
    # Shift.
    for k in range(z.moves):
        summed = splat(work, 0.0)
        for tile in range(tiles):
            place = tile * vector
            summed = multiply_add(load(work, dcenter + place), load(work, center + place - moves[k]), summed)
        work[apart + shift + k] = total(summed)
    wrap(work, dcenter, z.slots, z.padded, z.margin)
    # Interpolate.
    dgate, mean = splat(work, 0.0), splat(work, 0.0)
    for tile in range(tiles):
        place = tile * vector
        slope = load(work, dcenter + place + moves[0]) * parameters[shift]
        for k in range(1, z.moves):
            slope = multiply_add(load(work, dcenter + place + moves[k]), parameters[shift + k], slope)
        focus = load(work, content + place)
        # The padding has no focus and gets no gradient.
        slope = where(load(mask, place) < 0.0, 0.0, slope)
        dgate = multiply_add(slope, focus - load(before, b0 + place), dgate)
        store(work, dafter + place, slope * closed)
        slope = slope * opened
        store(work, center + place, slope)
        mean = multiply_add(slope, focus, mean)
    work[apart + gate] = total(dgate)
    # Content.
    average, beta = total(mean), parameters[strength]
    dbeta = splat(work, 0.0)
    for tile in range(tiles):
        place = tile * vector
        slope = load(work, content + place) * (load(work, center + place) - average)
        similar = load(work, score + place)
        dbeta = multiply_add(slope, similar, dbeta)
        slope = slope * beta
        inverse_row = load(work, m0 + (tile * (width + 1) + width) * vector)
        store(work, score + place, slope * inverse_row * scale)
        smaller = slope * similar * inverse_row * inverse_row
        store(work, shrink + place, load(work, shrink + place) + smaller)
    work[apart + strength] = total(dbeta)
    along = scale * scale * beta * total(dbeta)
    for w in range(width):
        work[apart + key + w] = -parameters[key + w] * along
