"""The exact search for the nearest rows: their products with all keys, piece by piece, and the best of each head."""

import math

import numpy as np

from neuraltape.functional.addressing import SMALLEST_NORM
from neuraltape.functional.order import STEPS
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import (
    everywhere,
    fetch,
    inverse_root,
    keep_apart,
    load,
    load_some,
    multiply_add,
    splat,
    store,
    transpose,
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
def turn(z, rows, m0, first, last, work, scratch):
    """A piece's rows as columns, so that whole vectors of rows are summed at once, each in the order of its numbers."""
    keep_apart()
    width, vector, square = z.width, z.vector, scratch + z.square
    for n in range(first, last, vector):
        for column in range(0, width, vector):
            place, turned = m0 + n * width + column, scratch + z.turned + column * PIECE + n - first
            if (n + vector - 1) * width + column + vector <= last * width:
                # What is read beyond a row's end is another row, and turned to where nobody looks.
                transpose(rows, place, width, work, turned, PIECE)
            else:
                for i in range(vector):
                    some = min(vector, width - column) if n + i < last else 0
                    store(work, square + i * vector, load_some(rows, place + i * width, some))
                transpose(work, square, vector, work, turned, PIECE)


@helper
def take_squares(z, work, turned, squares):
    """The squared norms of a piece's turned rows."""
    vector = z.vector
    for n in range(0, PIECE, 4 * vector):
        zero = splat(work, 0.0)
        sum_a, sum_b, sum_c, sum_d = zero, zero, zero, zero
        for place in range(turned + n, turned + n + z.width * PIECE, PIECE):
            a, b = load(work, place), load(work, place + vector)
            c, d = load(work, place + 2 * vector), load(work, place + 3 * vector)
            sum_a, sum_b = multiply_add(a, a, sum_a), multiply_add(b, b, sum_b)
            sum_c, sum_d = multiply_add(c, c, sum_c), multiply_add(d, d, sum_d)
        store(work, squares + n, sum_a)
        store(work, squares + n + vector, sum_b)
        store(work, squares + n + 2 * vector, sum_c)
        store(work, squares + n + 3 * vector, sum_d)


@helper
def take_cosines(z, work, turned, saved, key, inverses, scale, cosines):
    """The cosines of a piece's turned rows and a key. inverses, scale: 1 over the norms of these and of this."""
    vector = z.vector
    for n in range(0, PIECE, 4 * vector):
        zero, place = splat(work, 0.0), turned + n
        sum_a, sum_b, sum_c, sum_d = zero, zero, zero, zero
        for w in range(key, key + z.width):
            factor = splat(work, saved[w])
            sum_a = multiply_add(load(work, place), factor, sum_a)
            sum_b = multiply_add(load(work, place + vector), factor, sum_b)
            sum_c = multiply_add(load(work, place + 2 * vector), factor, sum_c)
            sum_d = multiply_add(load(work, place + 3 * vector), factor, sum_d)
            place += PIECE
        store(work, cosines + n, sum_a * load(work, inverses + n) * scale)
        store(work, cosines + n + vector, sum_b * load(work, inverses + n + vector) * scale)
        store(work, cosines + n + 2 * vector, sum_c * load(work, inverses + n + 2 * vector) * scale)
        store(work, cosines + n + 3 * vector, sum_d * load(work, inverses + n + 3 * vector) * scale)


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
def take(z, work, at, best, ranks, cosines, first, last):
    """Offer a head the rows of a piece, whose cosines lie at `at`; most are not above the least of its nearest."""
    keep_apart()
    count, vector = z.nearest, z.vector
    least = least_offered(work[ranks + count - 1])
    for start in range(0, last - first, vector):
        if not everywhere(load(work, at + start) < least):
            for n in range(start, min(start + vector, last - first)):
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
    width, vector, best, turned = z.width, z.vector, scratch + (z.heads + 1) * PIECE, scratch + z.turned
    for head in range(z.heads):
        key = parameters + head * width
        work[scratch + z.scales + head] = inverse_norm(dot(saved, key, saved, key, width))
    for first in range(start, end, PIECE):
        last = min(first + PIECE, end)
        fetch(rows, m0 + last * width, min(PIECE, end - last) * width)
        turn(z, rows, m0, first, last, work, scratch)
        take_squares(z, work, turned, scratch)
        for n in range(scratch, scratch + PIECE, vector):
            store(work, n, inverse_norms(work, n))
        for head in range(z.heads):
            mine, at, scale = head * z.nearest, scratch + (head + 1) * PIECE, work[scratch + z.scales + head]
            take_cosines(z, work, turned, saved, parameters + head * width, scratch, scale, at)
            take(z, work, at, best + mine, scratch + z.ranks + mine, scratch + z.cosines + mine, first, last)
