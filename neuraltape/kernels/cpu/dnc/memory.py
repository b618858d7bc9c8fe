"""The memory of one sequence: writing, one over the lengths of its rows, and the way back. See README.md."""

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

SMALLEST_SQUARE = SMALLEST_NORM**2


@helper
def inverse_norms(squares):
    """1 / sqrt of a vector of squared norms, 0 where there is no direction."""
    some = squares > SMALLEST_SQUARE
    return where(some, inverse_root(where(some, squares, 1.0)), 0.0)


@helper
def norms(z, work, m0):
    """Fill in 1 / |row|."""
    keep_apart()
    for tile in range(z.tiles):
        squares, start = splat(work, 0.0), m0 + tile * (z.width + 1) * z.vector
        for w in range(z.width):
            value = load(work, start + w * z.vector)
            squares = multiply_add(value, value, squares)
        store(work, start + z.width * z.vector, inverse_norms(squares))


@helper
def write(z, work, source, target, saved, p, focus, kept):
    """M' = (M psi) (1 - w e) + w v, and 1 / |row| of M'. `source` and `target` may be the same.

    focus: place in `saved` of the write weights. kept: place of psi in `work`; looked at where freed slots are wiped.
    """
    keep_apart()
    for tile in range(z.tiles):
        squares, mine = splat(work, 0.0), load(saved, focus + tile * z.vector)
        left = load(work, kept + tile * z.vector) if z.wipe != 0 else splat(work, 1.0)
        start = tile * (z.width + 1) * z.vector
        old, new = source + start, target + start
        for w in range(z.width):
            value = load(work, old + w * z.vector) * left
            value = multiply_add(mine, less_product(value, saved[p + z.erase + w], saved[p + z.add + w]), value)
            store(work, new + w * z.vector, value)
            squares = multiply_add(value, value, squares)
        store(work, new + z.width * z.vector, inverse_norms(squares))


@helper
def write_backward(z, work, old, slopes, saved, p, focus, kept, dfocus, dkept, dparameters):
    """Backward of `write`: dM' becomes dM; adds to the gradients of weights and psi, sets those of erase and add."""
    keep_apart()
    for w in range(z.width):
        e, v = saved[p + z.erase + w], saved[p + z.add + w]
        erased, added = splat(work, 0.0), splat(work, 0.0)
        for tile in range(z.tiles):
            spot, place = tile * z.vector, (tile * (z.width + 1) + w) * z.vector
            left = load(work, kept + spot) if z.wipe != 0 else splat(work, 1.0)
            slope, before = load(work, slopes + place), load(work, old + place)
            value, focused = before * left, slope * load(saved, focus + spot)
            added = added + focused
            erased = multiply_add(value, focused, erased)
            mine = load(work, dfocus + spot)
            store(work, dfocus + spot, multiply_add(slope, less_product(value, e, v), mine))
            slope = less_product(focused, e, slope)
            if z.wipe != 0:
                store(work, dkept + spot, multiply_add(slope, before, load(work, dkept + spot)))
            store(work, slopes + place, slope * left)
        work[dparameters + z.erase + w] = -total(erased)
        work[dparameters + z.add + w] = total(added)
