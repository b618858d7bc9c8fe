"""What a head's key matches, with or without a mask, forward and backward. See README.md."""

import math

from neuraltape.kernels.cpu.dnc.memory import SMALLEST_SQUARE, inverse_norms
from neuraltape.kernels.cpu.lib.activations import softmax_numerators
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.products import along_rows, over_slots, spread
from neuraltape.kernels.cpu.lib.simd import floats, keep_apart, load, multiply_add, splat, store, total


@helper
def inverse_length(z, saved, p, head):
    """1 / |key|, or of the key behind its mask; 0 where it has no direction."""
    squared = 0.0
    for w in range(head * z.width, (head + 1) * z.width):
        value = saved[p + w]
        if z.masked != 0:
            value *= saved[p + z.mask + w]
        squared += value * value
    return 1.0 / math.sqrt(squared) if squared > SMALLEST_SQUARE else 0.0


@helper
def cosines(z, work, m0, saved, p, first, count, scores, inverses):
    """The cosines of the keys of `count` heads, from the `first` on, with all rows, at `scores` in `work`.

    inverses: place in `work`, receives 1 / |row| as each head sees it.
    """
    keep_apart()
    width, vector = z.width, z.vector
    if z.masked == 0:
        along_rows(work, m0, saved, p + first * width, count, work, scores, False, z.tiles, width, vector)
    for i in range(count):
        key, mask = p + (first + i) * width, p + z.mask + (first + i) * width
        scale = inverse_length(z, saved, p, first + i)
        for tile in range(z.tiles):
            place, start = i * z.padded + tile * vector, m0 + tile * (width + 1) * vector
            if z.masked == 0:
                product, inverse = load(work, scores + place), load(work, start + width * vector)
            else:
                product, squares = splat(work, 0.0), splat(work, 0.0)
                for w in range(width):
                    seen = load(work, start + w * vector) * saved[mask + w]
                    squares = multiply_add(seen, seen, squares)
                    product = multiply_add(seen, saved[key + w] * saved[mask + w], product)
                inverse = inverse_norms(squares)
            store(work, inverses + place, inverse)
            store(work, scores + place, product * inverse * scale)


@helper
def look_up(call, z, work, m0, saved, p, first, count, after, scratch):
    """Content weights of `count` heads, from the `first` on, at `after` in the notes."""
    keep_apart()
    mask = floats(work, call.mask)
    cosines(z, work, m0, saved, p, first, count, scratch, scratch + count * z.padded)
    for i in range(count):
        mine, focus = scratch + i * z.padded, after + i * z.padded
        strength = saved[p + z.strength + first + i]
        inverse = softmax_numerators(work, mine, strength, mask, work, mine, z.tiles, z.vector)
        for tile in range(z.tiles):
            store(saved, focus + tile * z.vector, load(work, mine + tile * z.vector) * inverse)


@helper
def look_up_backward(z, work, m0, slopes, saved, p, first, count, focus, dfocus, dparameters, read, scratch):
    """Backward of `look_up`, and of reading.

    Adds to the memory's gradient at `slopes`; sets those of keys, masks and strengths.

    Args:
        focus: place in the notes of the content weights. dfocus: place in `work` of their gradient.
        read: places of the read weights, in the notes, and of the reads' gradient, in `work`; how many read.
        scratch: room for 2 weightings a head and one more.
    """
    keep_apart()
    width, vector, tiles = z.width, z.vector, z.tiles
    inverses = scratch + count * z.padded
    shrink = inverses + count * z.padded
    cosines(z, work, m0, saved, p, first, count, scratch, inverses)
    for tile in range(tiles):
        store(work, shrink + tile * vector, splat(work, 0.0))
    for i in range(count):
        key, strength = p + (first + i) * width, saved[p + z.strength + first + i]
        scale, mean = inverse_length(z, saved, p, first + i), splat(work, 0.0)
        for tile in range(tiles):
            place = i * z.padded + tile * vector
            mean = multiply_add(load(saved, focus + place), load(work, dfocus + place), mean)
        average, dstrength = total(mean), splat(work, 0.0)
        for tile in range(tiles):
            place = i * z.padded + tile * vector
            slope = load(saved, focus + place) * (load(work, dfocus + place) - average)
            alike, inverse = load(work, scratch + place), load(work, inverses + place)
            dstrength = multiply_add(slope, alike, dstrength)
            slope = slope * strength
            smaller = slope * alike * inverse * inverse
            store(work, scratch + place, slope * inverse * scale)
            if z.masked == 0:
                store(work, shrink + tile * vector, load(work, shrink + tile * vector) + smaller)
            else:
                store(work, inverses + place, smaller)
        work[dparameters + z.strength + first + i] = total(dstrength)
        along = scale * scale * strength * total(dstrength)
        if z.masked == 0:
            for w in range(width):
                work[dparameters + (first + i) * width + w] = -saved[key + w] * along
        else:
            behind_mask(
                z, work, m0, slopes, saved, p, first + i, scratch + i * z.padded, inverses + i * z.padded, along,
                dparameters,
            )  # fmt: skip
    weights, dreads, others = read
    if z.masked == 0:
        keys = dparameters + first * width
        over_slots(work, m0, work, scratch, count, work, keys, True, tiles, width, vector)
        spread(
            work, m0, work, slopes, shrink, scratch, (saved, p + first * width), count, saved, weights, dreads, others,
            tiles, width, vector,
        )  # fmt: skip
    else:
        for head in range(others):
            for tile in range(tiles):
                mine = load(saved, weights + head * z.padded + tile * vector)
                for w in range(width):
                    place = slopes + (tile * (width + 1) + w) * vector
                    store(work, place, multiply_add(mine, work[dreads + head * width + w], load(work, place)))


@helper
def behind_mask(z, work, m0, slopes, saved, p, head, toward, smaller, along, dparameters):
    """What `look_up_backward` does for one head with a mask m, with a = toward, s = smaller, C = along.

    With A = sum_n a M and B = sum_n s M^2: k' = m^2 (A - k C), m' = m (2 k A - B - k^2 C), M' += m^2 (a k - s M).
    """
    keep_apart()
    for w in range(z.width):
        key, mask = saved[p + head * z.width + w], saved[p + z.mask + head * z.width + w]
        square = mask * mask
        first, second = splat(work, 0.0), splat(work, 0.0)
        for tile in range(z.tiles):
            spot, place = tile * z.vector, (tile * (z.width + 1) + w) * z.vector
            value, a = load(work, m0 + place), load(work, toward + spot)
            shrunk = load(work, smaller + spot) * value
            first = multiply_add(a, value, first)
            second = multiply_add(shrunk, value, second)
            store(work, slopes + place, multiply_add(a * key - shrunk, square, load(work, slopes + place)))
        matched, squared = total(first), total(second)
        work[dparameters + head * z.width + w] = square * (matched - key * along)
        slope = mask * (2.0 * key * matched - squared - key * key * along)
        work[dparameters + z.mask + head * z.width + w] = slope
