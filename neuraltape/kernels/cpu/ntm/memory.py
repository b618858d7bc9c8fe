"""The memory of one sequence: one over the lengths of its rows, writing, and writing's backward pass."""

from neuraltape.functional.addressing import SMALLEST_NORM
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import (
    inverse_root,
    keep_apart,
    less_product,
    load,
    multiply_add,
    splat,
    store,
    total,
    where,
)

_SMALLEST_SQUARE = SMALLEST_NORM**2


@helper
def inverse_norms(squares):
    """1 / sqrt of a vector of squared norms, 0 where there is no direction."""
    some = squares > _SMALLEST_SQUARE
    return where(some, inverse_root(where(some, squares, 1.0)), 0.0)


@helper
def norms(memory, m0, tiles, width, vector):
    """Fill in 1 / |row|."""
    keep_apart()
    for tile in range(tiles):
        squares = splat(memory, 0.0)
        for w in range(width):
            value = load(memory, m0 + (tile * (width + 1) + w) * vector)
            squares = multiply_add(value, value, squares)
        store(memory, m0 + (tile * (width + 1) + width) * vector, inverse_norms(squares))


@helper
def write(memory, source, target, weights, w0, parameters, erase, add, heads, tiles, width, vector):
    """M' = M prod_h (1 - w_h e_h) + sum_h w_h a_h, and the norms of M'. `source` and `target` may be the same."""
    keep_apart()
    for tile in range(tiles):
        squares, focus = splat(memory, 0.0), load(weights, w0 + tile * vector)
        old, new = source + tile * (width + 1) * vector, target + tile * (width + 1) * vector
        if heads == 1:
            for w in range(width):
                value = load(memory, old + w * vector)
                value = multiply_add(focus, less_product(value, parameters[erase + w], parameters[add + w]), value)
                store(memory, new + w * vector, value)
                squares = multiply_add(value, value, squares)
        else:
            for w in range(width):
                value = load(memory, old + w * vector)
                added = focus * parameters[add + w]
                value = less_product(value * focus, parameters[erase + w], value)
                for head in range(1, heads):
                    their = load(weights, w0 + (head * tiles + tile) * vector)
                    value = less_product(value * their, parameters[erase + head * width + w], value)
                    added = multiply_add(their, parameters[add + head * width + w], added)
                value = value + added
                store(memory, new + w * vector, value)
                squares = multiply_add(value, value, squares)
        store(memory, new + width * vector, inverse_norms(squares))


@helper
def write_backward(
    memory, m0, dmemory, d0, weights, w0, parameters, erase, add, dweights, dw0, dparameters, d_erase, d_add, heads,
    tiles, width, vector,
):  # fmt: skip
    """Backward of `write`: dM' becomes dM; adds to the gradient of the weights, sets those of erase and add.

    memory, m0: M, the memory before writing.
    """
    keep_apart()
    if heads == 1:
        for w in range(width):
            e, a = parameters[erase + w], parameters[add + w]
            erased, added = splat(memory, 0.0), splat(memory, 0.0)
            for tile in range(tiles):
                place, spot = (tile * (width + 1) + w) * vector, dw0 + tile * vector
                slope, value = load(dmemory, d0 + place), load(memory, m0 + place)
                focused = slope * load(weights, w0 + tile * vector)
                added = added + focused
                erased = multiply_add(value, focused, erased)
                store(dweights, spot, multiply_add(slope, less_product(value, e, a), load(dweights, spot)))
                store(dmemory, d0 + place, less_product(focused, e, slope))
            dparameters[d_erase + w] = -total(erased)
            dparameters[d_add + w] = total(added)
        return
    padded = tiles * vector
    for head in range(heads):
        mine = w0 + head * padded
        for w in range(width):
            e, a = parameters[erase + head * width + w], parameters[add + head * width + w]
            erased, added = splat(memory, 0.0), splat(memory, 0.0)
            for tile in range(tiles):
                place = (tile * (width + 1) + w) * vector
                slope = load(dmemory, d0 + place)
                focus = load(weights, mine + tile * vector)
                # What the other heads leave of this element, times its gradient.
                others = load(memory, m0 + place) * slope
                for other in range(heads):
                    if other != head:
                        their = load(weights, w0 + other * padded + tile * vector)
                        others = less_product(others * their, parameters[erase + other * width + w], others)
                added = multiply_add(slope, focus, added)
                erased = multiply_add(others, focus, erased)
                spot = dw0 + head * padded + tile * vector
                store(dweights, spot, multiply_add(slope, a, load(dweights, spot) - others * e))
            dparameters[d_erase + head * width + w] = -total(erased)
            dparameters[d_add + head * width + w] = total(added)
    for tile in range(tiles):
        for w in range(width):
            place = (tile * (width + 1) + w) * vector
            slope = load(dmemory, d0 + place)
            for head in range(heads):
                focus = load(weights, w0 + head * padded + tile * vector)
                slope = less_product(slope * focus, parameters[erase + head * width + w], slope)
            store(dmemory, d0 + place, slope)
