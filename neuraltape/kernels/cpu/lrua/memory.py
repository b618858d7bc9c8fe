"""What LRUA does with one sequence's memory and usage: slots that are least used, writing over them, gradients."""

import math

from neuraltape.functional.lrua import EMPTY
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import inverse_root, keep_apart, load, multiply_add, splat, store

_EMPTY_SQUARE = EMPTY**2


@helper
def inverse_length(vector, start, width):
    """1 / length of a vector, rounded up as in `functional`."""
    squared = _EMPTY_SQUARE
    for w in range(width):
        squared += vector[start + w] * vector[start + w]
    return 1.0 / math.sqrt(squared)


@helper
def find_least(usage, u0, slots, least, l0, count):
    """The `count` slots with the smallest usage, the smallest first; of equal ones the first."""
    keep_apart()
    for k in range(count):
        best = -1
        for slot in range(slots):
            taken = False
            for j in range(k):
                taken = taken or least[l0 + j] == slot
            if not taken and (best < 0 or usage[u0 + slot] < usage[u0 + best]):
                best = slot
        least[l0 + k] = best


@helper
def where_to_write(weights, w0, parameters, gate, least, l0, result, r0, heads, tiles, vector):
    """Write weights: gate * read weights of the step before, and 1 - gate in the head's least-used slot."""
    keep_apart()
    for head in range(heads):
        opened = parameters[gate + head]
        for tile in range(tiles):
            place = (head * tiles + tile) * vector
            store(result, r0 + place, load(weights, w0 + place) * opened)
        result[r0 + head * tiles * vector + int(least[l0 + head])] += 1.0 - opened


@helper
def clear(memory, m0, least, l0, heads, width, vector):
    """Set the rows of the least-used slots to 0."""
    keep_apart()
    for head in range(heads):
        slot = int(least[l0 + head])
        place = m0 + slot // vector * (width + 1) * vector + slot % vector
        for w in range(width):
            memory[place + w * vector] = 0.0


@helper
def write_over(memory, target, least, l0, weights, w0, parameters, add, heads, tiles, width, vector):
    """M' = M without its least-used slots, plus sum_h w_h a_h, and one over the lengths of its rows; in place."""
    keep_apart()
    clear(memory, target, least, l0, heads, width, vector)
    for tile in range(tiles):
        squares = splat(memory, 0.0)
        first = load(weights, w0 + tile * vector)
        for w in range(width):
            place = target + (tile * (width + 1) + w) * vector
            value = multiply_add(first, parameters[add + w], load(memory, place))
            for head in range(1, heads):
                focus = load(weights, w0 + (head * tiles + tile) * vector)
                value = multiply_add(focus, parameters[add + head * width + w], value)
            store(memory, place, value)
            squares = multiply_add(value, value, squares)
        store(memory, target + (tile * (width + 1) + width) * vector, inverse_root(squares + _EMPTY_SQUARE))


@helper
def inverse_lengths(memory, m0, tiles, width, vector):
    """Fill in one over the lengths of the rows."""
    keep_apart()
    for tile in range(tiles):
        squares = splat(memory, 0.0)
        for w in range(width):
            value = load(memory, m0 + (tile * (width + 1) + w) * vector)
            squares = multiply_add(value, value, squares)
        store(memory, m0 + (tile * (width + 1) + width) * vector, inverse_root(squares + _EMPTY_SQUARE))


@helper
def spread_slopes(
    memory, m0, dmemory, d0, work, shrink, toward, keys, k0, weights, w0, dreads, r0, heads, tiles, width, vector
):
    """dM[n,w] += sum_h (toward_h[n] key_h[w] + w_h[n] dread_h[w]) - shrink[n] M[n,w]. shrink, toward: in `work`."""
    keep_apart()
    for tile in range(tiles):
        smaller = load(work, shrink + tile * vector)
        for w in range(width):
            place = (tile * (width + 1) + w) * vector
            slope = load(dmemory, d0 + place) - smaller * load(memory, m0 + place)
            for head in range(heads):
                spot = (head * tiles + tile) * vector
                slope = multiply_add(load(work, toward + spot), keys[k0 + head * width + w], slope)
                slope = multiply_add(load(weights, w0 + spot), dreads[r0 + head * width + w], slope)
            store(dmemory, d0 + place, slope)
