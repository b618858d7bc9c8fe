"""One question and its story in the memory network's kernels: facts stored and read, and the way back.

Equations: README.md. A hop's u and weights lie `apart` numbers after those of the hop before.
"""

import math

from neuraltape.kernels.cpu.hops.words import add_words, age_weight, back_to_words, is_right
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import copy, keep_apart, load, multiply_add, splat, store, total


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
def is_right_story(z, question, facts, ages, f0, made_of, words):
    """Whether everything that a question and its story name exists."""
    right = is_right(z, question, made_of, words)
    for at in range(f0, f0 + z.columns):
        if right and facts[at] >= 0:
            right = is_right(z, facts[at], made_of, words) and ages[at] >= 0 and ages[at] < z.slots
    return right


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


@helper
def store_facts(z, facts, ages, f0, made_of, words, places, lengths, work, ramp, rows, times, stored, s0):
    """The facts of a story as all embeddings see them, with their ages; returns how many there are."""
    row, count = z.tables * z.padded, 0
    for i in range(z.columns):
        fact, target = facts[f0 + i], s0 + i * row
        if fact < 0:
            continue
        count += 1
        for c in range(0, z.padded, z.vector):
            weight = age_weight(z, work, ramp, c)
            for at in range(c, row, z.padded):
                store(stored, target + at, load(work, times + ages[f0 + i] * row + at) * weight)
        add_words(z, fact, made_of, words, places, lengths, work, ramp, rows, z.tables, stored, target)
    return count


@helper
def read_facts(z, facts, f0, stored, s0, asked, u, u_apart, weights, w0, w_apart, empty, linear):
    """All hops from the first u on."""
    row = z.tables * z.padded
    for hop in range(z.hops):
        for i in range(z.columns):
            weights[w0 + i] = 0.0
            if facts[f0 + i] >= 0:
                weights[w0 + i] = dot(asked, u, stored, s0 + i * row + hop * z.padded, z.padded, z.vector)
        if linear == 0:
            to_weights(weights, w0, facts, f0, z.columns, empty)
        copy(asked, u, asked, u + u_apart, z.padded)
        for i in range(z.columns):
            if facts[f0 + i] >= 0:
                value = s0 + i * row + (hop + 1) * z.padded
                add_scaled(stored, value, weights[w0 + i], asked, u + u_apart, z.padded, z.vector)
        u += u_apart
        w0 += w_apart


@helper
def back_through_hops(z, facts, f0, stored, s0, asked, u, u_apart, weights, w0, w_apart, linear, work, du, ds, toward):
    """Add to the gradients of the stored facts, ds, and turn du from that of the last u into that of the first.

    u, w0: of the first hop. toward: room for a number a fact.
    """
    row = z.tables * z.padded
    for back in range(z.hops):
        hop = z.hops - 1 - back
        w, before, mean = w0 + hop * w_apart, u + hop * u_apart, 0.0
        for i in range(z.columns):
            if facts[f0 + i] >= 0:
                value = i * row + (hop + 1) * z.padded
                work[toward + i] = dot(work, du, stored, s0 + value, z.padded, z.vector)
                mean += weights[w + i] * work[toward + i]
                add_scaled(work, du, weights[w + i], work, ds + value, z.padded, z.vector)
        for i in range(z.columns):
            if facts[f0 + i] >= 0:
                slope, key = work[toward + i], i * row + hop * z.padded
                if linear == 0:
                    slope = weights[w + i] * (slope - mean)
                add_scaled(asked, before, slope, work, ds + key, z.padded, z.vector)
                add_scaled(stored, s0 + key, slope, work, du, z.padded, z.vector)


@helper
def back_to_facts(z, facts, ages, f0, made_of, words, places, lengths, work, ramp, rows, times, ds):
    """Add the gradients of a story's stored facts to those of words and ages."""
    row = z.tables * z.padded
    for i in range(z.columns):
        fact, s0 = facts[f0 + i], ds + i * row
        if fact < 0:
            continue
        back_to_words(z, fact, made_of, words, places, lengths, work, ramp, rows, z.tables, work, s0)
        for c in range(0, z.padded, z.vector):
            weight = age_weight(z, work, ramp, c)
            for at in range(c, row, z.padded):
                place = times + ages[f0 + i] * row + at
                store(work, place, multiply_add(load(work, s0 + at), weight, load(work, place)))
