"""Where one head of one sequence looks, forward and backward: equations 5 to 9 of the paper. See README.md."""

import math

import numpy as np

from neuraltape.functional.addressing import SMALLEST_NORM
from neuraltape.kernels.cpu.compiler import helper
from neuraltape.kernels.cpu.simd import exp, keep_apart, largest, load, log, multiply_add, splat, store, total, where

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
def match(memory, m0, parameters, key, cosine, c0, tiles, width, vector):
    """Cosine similarity of every slot with the key."""
    scale = inverse_length(parameters, key, width)
    for tile in range(tiles):
        summed = splat(memory, 0.0)
        for w in range(width):
            summed = multiply_add(load(memory, m0 + (tile * width + w) * vector), parameters[key + w], summed)
        inverse = load(memory, m0 + (tiles * width + tile) * vector)
        store(cosine, c0 + tile * vector, summed * inverse * scale)
    return scale


@helper
def softmax_numerators(values, v0, factor, mask, result, r0, tiles, vector):
    """exp(factor * values + mask - its largest) of every slot; returns one over their sum."""
    top = splat(values, -np.inf)
    for tile in range(tiles):
        value = multiply_add(load(values, v0 + tile * vector), factor, load(mask, tile * vector))
        store(result, r0 + tile * vector, value)
        top = where(top < value, value, top)
    peak = largest(top)
    summed = splat(values, 0.0)
    for tile in range(tiles):
        power = exp(load(result, r0 + tile * vector) - peak)
        store(result, r0 + tile * vector, power)
        summed = summed + power
    return 1.0 / total(summed)


@helper
def shifted(ring, center, parameters, shift, moves, count):
    """One vector of the circular convolution; `center` is the place of its first slot."""
    value = load(ring, center - moves[0]) * parameters[shift]
    for k in range(1, count):
        value = multiply_add(load(ring, center - moves[k]), parameters[shift + k], value)
    return value


@helper
def address(
    memory, m0, parameters, key, strength, gate, shift, sharpness, before, b0, after, a0, work, w0, mask, moves,
    count, tiny, slots, tiles, width, vector, margin,
):  # fmt: skip
    """The weighting of one head.

    Args:
        memory, m0: tiles and norms.
        parameters: activated head parameters; key, strength, gate, shift, sharpness: where this head's lie.
        before, b0: the weighting of the step before. after, a0: the result; both padded to whole vectors.
        work, w0: room for two vectors of slots and a ring.
        mask: 0 for slots, -inf for the padding.
        moves: the `count` offsets, each as its shortest move.
        tiny: the smallest normal number; less is no focus at all.
    """
    keep_apart()
    padded = tiles * vector
    score, ring = w0, w0 + padded
    center = ring + margin + vector
    match(memory, m0, parameters, key, work, score, tiles, width, vector)
    opened, closed = parameters[gate], 1.0 - parameters[gate]
    inverse = softmax_numerators(work, score, parameters[strength], mask, work, score, tiles, vector)
    for tile in range(tiles):
        kept = load(before, b0 + tile * vector) * closed
        store(work, center + tile * vector, multiply_add(load(work, score + tile * vector), opened * inverse, kept))
    wrap(work, center, slots, padded, margin)
    for tile in range(tiles):
        value = shifted(work, center + tile * vector, parameters, shift, moves, count)
        store(work, score + tile * vector, where(value < tiny, -np.inf, log(value)))
    inverse = softmax_numerators(work, score, parameters[sharpness], mask, work, score, tiles, vector)
    for tile in range(tiles):
        store(after, a0 + tile * vector, load(work, score + tile * vector) * inverse)


@helper
def address_backward(
    memory, m0, dmemory, dm0, parameters, key, strength, gate, shift, sharpness, before, b0, after, a0, dafter, da0,
    dbefore, db0, dparameters, apart, work, w0, mask, moves, count, tiny, slots, tiles, width, vector, margin, ld_ring,
):  # fmt: skip
    """Backward of `address`: adds to dM, sets the gradients of the head's parameters and of the weighting before.

    after: the weighting that `address` gave. dafter: its gradient. In
    `dparameters` they lie `apart` places further than in `parameters`.
    `dafter` and `dbefore` may be the same.
    """
    keep_apart()
    padded = tiles * vector
    cosine, content, ring = w0, w0 + padded, w0 + 2 * padded
    dring = ring + ld_ring
    center, dcenter = ring + margin + vector, dring + margin + vector
    # Forward again, as far as the shift.
    scale = match(memory, m0, parameters, key, work, cosine, tiles, width, vector)
    opened, closed = parameters[gate], 1.0 - parameters[gate]
    inverse = softmax_numerators(work, cosine, parameters[strength], mask, work, content, tiles, vector)
    for tile in range(tiles):
        value = load(work, content + tile * vector) * inverse
        store(work, content + tile * vector, value)
        store(work, center + tile * vector, multiply_add(value, opened, load(before, b0 + tile * vector) * closed))
    wrap(work, center, slots, padded, margin)
    # Sharpen.
    mean = splat(memory, 0.0)
    for tile in range(tiles):
        mean = multiply_add(load(after, a0 + tile * vector), load(dafter, da0 + tile * vector), mean)
    average, gamma = total(mean), parameters[sharpness]
    dgamma = splat(memory, 0.0)
    for tile in range(tiles):
        value = shifted(work, center + tile * vector, parameters, shift, moves, count)
        slope = load(after, a0 + tile * vector) * (load(dafter, da0 + tile * vector) - average)
        empty = value < tiny
        safe = where(empty, 1.0, value)
        dgamma = multiply_add(slope, log(safe), dgamma)
        store(work, dcenter + tile * vector, where(empty, 0.0, slope * gamma / safe))
    dparameters[apart + sharpness] = total(dgamma)
    # Shift.
    for k in range(count):
        summed = splat(memory, 0.0)
        for tile in range(tiles):
            place = tile * vector
            summed = multiply_add(load(work, dcenter + place), load(work, center + place - moves[k]), summed)
        dparameters[apart + shift + k] = total(summed)
    wrap(work, dcenter, slots, padded, margin)
    # Interpolate.
    dgate, mean = splat(memory, 0.0), splat(memory, 0.0)
    for tile in range(tiles):
        place = tile * vector
        slope = load(work, dcenter + place + moves[0]) * parameters[shift]
        for k in range(1, count):
            slope = multiply_add(load(work, dcenter + place + moves[k]), parameters[shift + k], slope)
        focus = load(work, content + place)
        # The padding has no focus and gets no gradient.
        slope = where(load(mask, place) < 0.0, 0.0, slope)
        dgate = multiply_add(slope, focus - load(before, b0 + place), dgate)
        store(dbefore, db0 + place, slope * closed)
        slope = slope * opened
        store(work, center + place, slope)
        mean = multiply_add(slope, focus, mean)
    dparameters[apart + gate] = total(dgate)
    # Content.
    average, beta = total(mean), parameters[strength]
    dbeta = splat(memory, 0.0)
    for tile in range(tiles):
        place = tile * vector
        slope = load(work, content + place) * (load(work, center + place) - average)
        similar = load(work, cosine + place)
        dbeta = multiply_add(slope, similar, dbeta)
        slope = slope * beta
        inverse_row = load(memory, m0 + tiles * width * vector + place)
        store(work, content + place, slope * inverse_row * scale)
        store(work, cosine + place, slope * similar * inverse_row * inverse_row)
    dparameters[apart + strength] = total(dbeta)
    along = scale * scale * beta * total(dbeta)
    for w in range(width):
        component = parameters[key + w]
        summed = splat(memory, 0.0)
        for tile in range(tiles):
            place = (tile * width + w) * vector
            value = load(memory, m0 + place)
            toward, shrink = load(work, content + tile * vector), load(work, cosine + tile * vector)
            summed = multiply_add(value, toward, summed)
            slope = multiply_add(toward, component, load(dmemory, dm0 + place) - value * shrink)
            store(dmemory, dm0 + place, slope)
        dparameters[apart + key + w] = total(summed) - component * along
