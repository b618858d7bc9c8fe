"""All hops of a memory network with adjacent sharing, question after question, forward and backward.

Equations: README.md. Both tables begin with the addresses of facts, ages (B, columns), questions (B,), words, places,
lengths (placed,) and made_of (sentences, longest); see `Sentences`.
"""

import math

from neuraltape.kernels.cpu.compiler import helper, kernel
from neuraltape.kernels.cpu.hops_sizes import parts
from neuraltape.kernels.cpu.hops_words import (
    add_words,
    age_weight,
    back_to_words,
    clear,
    from_rows,
    is_right,
    make_ramp,
    to_rows,
)
from neuraltape.kernels.cpu.simd import copy, floats, integers, keep_apart, load, multiply_add, splat, store, total


@helper
def dot(a, a0, b, b0, count, vector):
    """Sum of the products of so many numbers, whole vectors of them."""
    keep_apart()
    summed = splat(a, 0.0)
    for i in range(0, count, vector):
        summed = multiply_add(load(a, a0 + i), load(b, b0 + i), summed)
    return total(summed)


@helper
def add_scaled(source, s0, factor, target, t0, count, vector):
    """Add a vector times a number to another."""
    keep_apart()
    for i in range(0, count, vector):
        store(target, t0 + i, multiply_add(load(source, s0 + i), factor, load(target, t0 + i)))


@helper
def to_weights(weights, w0, facts, f0, columns, empty):
    """Softmax over the facts and `empty` scores of 0, in place."""
    keep_apart()
    most = 0.0 if empty > 0 else -math.inf
    for i in range(columns):
        # A NaN is not less than anything, and stays: the comparison is the other way round.
        if facts[f0 + i] >= 0 and not weights[w0 + i] <= most:
            most = weights[w0 + i]
    summed = empty * math.exp(-most) if empty > 0 else 0.0
    for i in range(columns):
        if facts[f0 + i] >= 0:
            weights[w0 + i] = math.exp(weights[w0 + i] - most)
            summed += weights[w0 + i]
    for i in range(columns):
        if facts[f0 + i] >= 0:
            weights[w0 + i] /= summed


@kernel
def hops_forward(job):
    """Store the facts of each question, and read them.

    The room: `Sizes.forward_room`. The table goes on with addresses: embeddings (tables, vocabulary, width), times
    (tables, slots, width); receiving stored (B, columns, row), u before, between and after the hops
    (hops + 1, B, padded), weights (hops, B, columns). Then whether the softmax is left out, and whether something was
    wrong, which is set.
    """
    z, table, work = parts(job)
    facts, ages, questions = integers(table[0]), integers(table[1]), integers(table[2])
    words, places, lengths, made_of = integers(table[3]), integers(table[4]), integers(table[5]), integers(table[6])
    stored, asked, weights = floats(work, table[9]), floats(work, table[10]), floats(work, table[11])
    linear = table[12]
    row, columns, vector, padded = z.tables * z.padded, z.columns, z.vector, z.padded
    ramp, rows = 0, padded
    times = rows + z.vocabulary * row
    make_ramp(z, work, ramp)
    to_rows(z, floats(work, table[7]), z.vocabulary, work, rows)
    to_rows(z, floats(work, table[8]), z.slots, work, times)
    for b in range(z.batch):
        count = 0
        right = is_right(z, questions[b], made_of, words)
        for at in range(b * columns, (b + 1) * columns):
            if facts[at] >= 0:
                count += 1
                right = right and is_right(z, facts[at], made_of, words) and ages[at] >= 0 and ages[at] < z.slots
        if not right:
            table[13] = 1
            return
        u = b * padded
        clear(asked, u, padded, vector)
        add_words(z, questions[b], made_of, words, places, lengths, work, ramp, rows, 1, asked, u)
        for at in range(b * columns, (b + 1) * columns):
            if facts[at] < 0:
                continue
            for c in range(0, padded, vector):
                weight = age_weight(z, work, ramp, c)
                for i in range(c, row, padded):
                    store(stored, at * row + i, load(work, times + ages[at] * row + i) * weight)
            add_words(z, facts[at], made_of, words, places, lengths, work, ramp, rows, z.tables, stored, at * row)
        for hop in range(z.hops):
            w0 = (hop * z.batch + b) * columns
            after = u + z.batch * padded
            for i in range(columns):
                weights[w0 + i] = 0.0
                if facts[b * columns + i] >= 0:
                    key = (b * columns + i) * row + hop * padded
                    weights[w0 + i] = dot(asked, u, stored, key, padded, vector)
            if linear == 0:
                to_weights(weights, w0, facts, b * columns, columns, z.slots - count)
            copy(asked, u, asked, after, padded)
            for i in range(columns):
                if facts[b * columns + i] >= 0:
                    value = (b * columns + i) * row + (hop + 1) * padded
                    add_scaled(stored, value, weights[w0 + i], asked, after, padded, vector)
            u = after


@kernel
def hops_backward(job):
    """From the gradient of the last u to those of embeddings and times.

    The room: `Sizes.backward_room`. The table goes on with addresses: du (B, width), stored, u, weights as the forward
    pass left them; receiving the gradients (tables, vocabulary, width) and (tables, slots, width). Then whether the
    softmax was left out.
    """
    z, table, work = parts(job)
    facts, ages, questions = integers(table[0]), integers(table[1]), integers(table[2])
    words, places, lengths, made_of = integers(table[3]), integers(table[4]), integers(table[5]), integers(table[6])
    given, stored, asked = floats(work, table[7]), floats(work, table[8]), floats(work, table[9])
    weights, linear = floats(work, table[10]), table[13]
    row, columns, vector, padded = z.tables * z.padded, z.columns, z.vector, z.padded
    ramp, rows = 0, padded
    times = rows + z.vocabulary * row
    slopes = times + z.slots * row
    u = slopes + columns * row
    toward = u + padded
    make_ramp(z, work, ramp)
    clear(work, rows, (z.vocabulary + z.slots) * row, vector)
    for b in range(z.batch):
        clear(work, slopes, columns * row + padded, vector)
        copy(given, b * z.width, work, u, z.width)
        for back in range(z.hops):
            hop = z.hops - 1 - back
            w0, before = (hop * z.batch + b) * columns, (hop * z.batch + b) * padded
            mean = 0.0
            for i in range(columns):
                if facts[b * columns + i] >= 0:
                    value = (b * columns + i) * row + (hop + 1) * padded
                    work[toward + i] = dot(work, u, stored, value, padded, vector)
                    mean += weights[w0 + i] * work[toward + i]
                    add_scaled(work, u, weights[w0 + i], work, slopes + i * row + (hop + 1) * padded, padded, vector)
            for i in range(columns):
                if facts[b * columns + i] >= 0:
                    slope = work[toward + i]
                    if linear == 0:
                        slope = weights[w0 + i] * (slope - mean)
                    key = (b * columns + i) * row + hop * padded
                    add_scaled(asked, before, slope, work, slopes + i * row + hop * padded, padded, vector)
                    add_scaled(stored, key, slope, work, u, padded, vector)
        back_to_words(z, questions[b], made_of, words, places, lengths, work, ramp, rows, 1, work, u)
        for i in range(columns):
            at, s0 = b * columns + i, slopes + i * row
            if facts[at] >= 0:
                back_to_words(z, facts[at], made_of, words, places, lengths, work, ramp, rows, z.tables, work, s0)
                for c in range(0, padded, vector):
                    weight = age_weight(z, work, ramp, c)
                    for j in range(c, row, padded):
                        place = times + ages[at] * row + j
                        store(work, place, multiply_add(load(work, s0 + j), weight, load(work, place)))
    from_rows(z, floats(work, table[11]), z.vocabulary, work, rows)
    from_rows(z, floats(work, table[12]), z.slots, work, times)
