"""Products of one sequence's memory with several vectors at once: each of its numbers is fetched once for all heads."""

from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import keep_apart, less_product, load, multiply_add, splat, store, total


@helper
def along_rows(memory, m0, vectors, v0, count, result, r0, adding, tiles, width, vector):
    """For `count` vectors v of `width` numbers: sum over w of M[n,w] v[w], for every slot n.

    adding: to what is there.
    """
    keep_apart()
    size = (width + 1) * vector
    # Four tiles at a time: one sum alone would wait for itself at every step.
    for tile in range(0, tiles, 4):
        last = tiles - 1 - tile
        a = m0 + tile * size
        b, c, d = a + min(1, last) * size, a + min(2, last) * size, a + min(3, last) * size
        for k in range(count):
            place = r0 + (k * tiles + tile) * vector
            sum_a, sum_b, sum_c, sum_d = splat(memory, 0.0), splat(memory, 0.0), splat(memory, 0.0), splat(memory, 0.0)
            for w in range(width):
                factor = vectors[v0 + k * width + w]
                sum_a = multiply_add(load(memory, a + w * vector), factor, sum_a)
                sum_b = multiply_add(load(memory, b + w * vector), factor, sum_b)
                sum_c = multiply_add(load(memory, c + w * vector), factor, sum_c)
                sum_d = multiply_add(load(memory, d + w * vector), factor, sum_d)
            put(sum_a, result, place, adding)
            if last > 0:
                put(sum_b, result, place + vector, adding)
            if last > 1:
                put(sum_c, result, place + 2 * vector, adding)
            if last > 2:
                put(sum_d, result, place + 3 * vector, adding)


@helper
def put(value, result, place, adding):
    """Store a vector, or add it to what is there."""
    store(result, place, value + load(result, place) if adding else value)


@helper
def over_slots(memory, m0, weights, w0, count, result, r0, adding, tiles, width, vector):
    """For `count` weightings u: sum over n of M[n,w] u[n], for every w; with u = w_t this is reading.

    adding: to what is there.
    """
    keep_apart()
    for w in range(0, width, 4):
        last = width - 1 - w
        b, c, d = min(1, last) * vector, min(2, last) * vector, min(3, last) * vector
        for k in range(count):
            sum_a, sum_b, sum_c, sum_d = splat(memory, 0.0), splat(memory, 0.0), splat(memory, 0.0), splat(memory, 0.0)
            for tile in range(tiles):
                focus, a = load(weights, w0 + (k * tiles + tile) * vector), m0 + (tile * (width + 1) + w) * vector
                sum_a = multiply_add(load(memory, a), focus, sum_a)
                sum_b = multiply_add(load(memory, a + b), focus, sum_b)
                sum_c = multiply_add(load(memory, a + c), focus, sum_c)
                sum_d = multiply_add(load(memory, a + d), focus, sum_d)
            place = r0 + k * width + w
            if not adding:
                for i in range(min(4, width - w)):
                    result[place + i] = 0.0
            result[place] += total(sum_a)
            if last > 0:
                result[place + 1] += total(sum_b)
            if last > 1:
                result[place + 2] += total(sum_c)
            if last > 2:
                result[place + 3] += total(sum_d)


@helper
def spread(memory, m0, dmemory, d0, shrink, toward, keys, count, weights, w0, slopes, others, tiles, width, vector):
    """dM[n,w] += sum_k toward_k[n] key_k[w] + sum_j w_j[n] slope_j[w] - shrink[n] M[n,w].

    shrink, toward, slopes: places in `memory`. keys: buffer and place of `count` keys. weights, slopes: `others` pairs,
    as many or none.
    """
    keep_apart()
    buffer, k0 = keys
    for tile in range(tiles):
        start, smaller = tile * (width + 1) * vector, load(memory, shrink + tile * vector)
        for k in range(count):
            match, key = load(memory, toward + (k * tiles + tile) * vector), k0 + k * width
            if k < others:
                focus, read = load(weights, w0 + (k * tiles + tile) * vector), slopes + k * width
                for w in range(width):
                    slope = load(dmemory, d0 + start + w * vector)
                    slope = multiply_add(match, buffer[key + w], slope)
                    slope = multiply_add(focus, memory[read + w], slope)
                    if k == 0:
                        slope = less_product(smaller, load(memory, m0 + start + w * vector), slope)
                    store(dmemory, d0 + start + w * vector, slope)
            else:
                for w in range(width):
                    slope = load(dmemory, d0 + start + w * vector)
                    slope = multiply_add(match, buffer[key + w], slope)
                    if k == 0:
                        slope = less_product(smaller, load(memory, m0 + start + w * vector), slope)
                    store(dmemory, d0 + start + w * vector, slope)
