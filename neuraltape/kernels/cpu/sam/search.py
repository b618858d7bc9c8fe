"""The exact search for the nearest rows: their products with all keys, piece by piece, and the best of each head."""

import math

import numpy as np

from neuraltape.functional.addressing import SMALLEST_NORM
from neuraltape.functional.order import STEPS
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import (
    add_totals,
    inverse_root,
    keep_apart,
    load,
    load_some,
    multiply_add,
    splat,
    store,
    where,
)
from neuraltape.kernels.cpu.sam.plan import PIECE

_SMALLEST_SQUARE = SMALLEST_NORM**2


@helper
def inverse_norm(squared):
    """1 / the root of a sum of squares; 0 where there is no direction."""
    return 1.0 / math.sqrt(squared) if squared > _SMALLEST_SQUARE or squared != squared else 0.0


@helper
def dot(a, a0, b, b0, width):
    """The product of two rows, number by number."""
    summed = 0.0
    for w in range(width):
        summed += a[a0 + w] * b[b0 + w]
    return summed


@helper
def products(rows, a, b, c, d, same, y, y0, work, place, width, vector):
    """Four rows' products with a vector, or with themselves, to four places in `work`. a to d: places of the rows."""
    whole = width // vector * vector
    rest = width - whole
    sum_a, sum_b, sum_c, sum_d = splat(work, 0.0), splat(work, 0.0), splat(work, 0.0), splat(work, 0.0)
    for k in range(0, whole, vector):
        row_a, row_b, row_c, row_d = load(rows, a + k), load(rows, b + k), load(rows, c + k), load(rows, d + k)
        if same:
            sum_a, sum_b = multiply_add(row_a, row_a, sum_a), multiply_add(row_b, row_b, sum_b)
            sum_c, sum_d = multiply_add(row_c, row_c, sum_c), multiply_add(row_d, row_d, sum_d)
        else:
            other = load(y, y0 + k)
            sum_a, sum_b = multiply_add(row_a, other, sum_a), multiply_add(row_b, other, sum_b)
            sum_c, sum_d = multiply_add(row_c, other, sum_c), multiply_add(row_d, other, sum_d)
    if rest > 0:
        row_a, row_b = load_some(rows, a + whole, rest), load_some(rows, b + whole, rest)
        row_c, row_d = load_some(rows, c + whole, rest), load_some(rows, d + whole, rest)
        if same:
            sum_a, sum_b = multiply_add(row_a, row_a, sum_a), multiply_add(row_b, row_b, sum_b)
            sum_c, sum_d = multiply_add(row_c, row_c, sum_c), multiply_add(row_d, row_d, sum_d)
        else:
            other = load_some(y, y0 + whole, rest)
            sum_a, sum_b = multiply_add(row_a, other, sum_a), multiply_add(row_b, other, sum_b)
            sum_c, sum_d = multiply_add(row_c, other, sum_c), multiply_add(row_d, other, sum_d)
    for i in range(place, place + 4):
        work[i] = 0.0
    add_totals(work, place, sum_a, sum_b, sum_c, sum_d)


@helper
def rank_of(value):
    """The value in whole steps of one over `STEPS`; what is no number ranks first."""
    scaled = value * STEPS + 0.5
    if abs(scaled) < 1e9:
        return float(math.floor(scaled))
    return -np.inf if scaled < 0.0 else np.inf


@helper
def offer(work, best, ranks, cosines, count, slot, cosine):
    """Take a row among a head's `count` nearest, if it is one. Rows come in the order of their numbers."""
    rank, place = rank_of(cosine), count - 1
    if rank > work[ranks + place]:
        while place > 0 and rank > work[ranks + place - 1]:
            work[ranks + place] = work[ranks + place - 1]
            work[cosines + place] = work[cosines + place - 1]
            work[best + place] = work[best + place - 1]
            place -= 1
        work[ranks + place] = rank
        work[cosines + place] = cosine
        work[best + place] = slot


@helper
def inverse_norms(work, n):
    """`inverse_norm` of a vector's lanes."""
    squares = load(work, n)
    some = squares > _SMALLEST_SQUARE
    # What is no number stays none.
    return where(some, inverse_root(where(some, squares, 1.0)), squares - squares)


@helper
def least_offered(rank):
    """A cosine below which no rank is above this one; rounding leaves room for one step."""
    return (rank - 0.5) / STEPS


@helper
def take(work, at, best, ranks, cosines, count, first, last):
    """Offer a head the rows of a piece, whose cosines lie at `at`; most are not above the least of its nearest."""
    keep_apart()
    least = least_offered(work[ranks + count - 1])
    for n in range(last - first):
        cosine = work[at + n]
        # What is no number is offered, so that it is seen.
        if not cosine < least:
            offer(work, best, ranks, cosines, count, first + n, cosine)
            least = least_offered(work[ranks + count - 1])


@helper
def none_yet(z, work, best):
    """No nearest slots of any head: slots, ranks and cosines, one after the other."""
    both = z.heads * z.nearest
    for head in range(z.heads):
        for j in range(z.nearest):
            place = best + head * z.nearest + j
            work[place] = j
            work[place + both] = -np.inf
            work[place + 2 * both] = 0.0


@helper
def search(z, rows, m0, count, saved, parameters, work, scratch):
    """The nearest slots of every head among the first `count`, the nearest first.

    They go to the places `(heads + 1) * PIECE`, `z.ranks` and `z.cosines` of the scratch room.
    """
    none_yet(z, work, scratch + (z.heads + 1) * PIECE)
    search_rows(z, rows, m0, 0, count, saved, parameters, work, scratch)


@helper
def search_rows(z, rows, m0, start, end, saved, parameters, work, scratch):
    """Offer every head the slots from `start` to `end`."""
    keep_apart()
    width, vector, best = z.width, z.vector, scratch + (z.heads + 1) * PIECE
    for first in range(start, end, PIECE):
        last = min(first + PIECE, end)
        for n in range(first, last, 4):
            a, b = m0 + n * width, m0 + min(n + 1, last - 1) * width
            c, d = m0 + min(n + 2, last - 1) * width, m0 + min(n + 3, last - 1) * width
            place = scratch + n - first
            products(rows, a, b, c, d, True, saved, parameters, work, place, width, vector)
            for head in range(z.heads):
                key = parameters + head * width
                at = place + (head + 1) * PIECE
                products(rows, a, b, c, d, False, saved, key, work, at, width, vector)
        for n in range(scratch, scratch + PIECE, vector):
            store(work, n, inverse_norms(work, n))
        for head in range(z.heads):
            mine, at = head * z.nearest, scratch + (head + 1) * PIECE
            key = parameters + head * width
            scale = inverse_norm(dot(saved, key, saved, key, width))
            for n in range(0, PIECE, vector):
                store(work, at + n, load(work, at + n) * load(work, scratch + n) * scale)
            take(work, at, best + mine, scratch + z.ranks + mine, scratch + z.cosines + mine, z.nearest, first, last)
