"""Sentences in the memory network's kernels: words into vectors, and gradients back to the words.

A row holds one word, age or fact as all embeddings see it, one after the other, each padded to whole vectors with 0.
"""

from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import copy, keep_apart, load, multiply_add, splat, store


@helper
def make_ramp(z, work, ramp):
    """k/d for every k from 1; what stands in the padding only ever meets 0."""
    for k in range(z.padded):
        work[ramp + k] = (k + 1) / z.width


@helper
def clear(work, start, count, vector):
    """Set so many numbers, whole vectors of them, to 0."""
    keep_apart()
    for i in range(0, count, vector):
        store(work, start + i, splat(work, 0.0))


@helper
def to_rows(z, matrices, count, work, start):
    """Bring (tables, count, width) into `count` rows."""
    keep_apart()
    clear(work, start, count * z.tables * z.padded, z.vector)
    for table in range(z.tables):
        for i in range(count):
            copy(matrices, (table * count + i) * z.width, work, start + (i * z.tables + table) * z.padded, z.width)


@helper
def from_rows(z, matrices, count, work, start):
    """The way back."""
    keep_apart()
    for table in range(z.tables):
        for i in range(count):
            copy(work, start + (i * z.tables + table) * z.padded, matrices, (table * count + i) * z.width, z.width)


@helper
def is_right(z, sentence, made_of, words):
    """Whether a sentence and its words exist."""
    if sentence < 0 or sentence >= z.sentences:
        return False
    for i in range(z.longest):
        placed = made_of[sentence * z.longest + i]
        if placed < 0 or placed >= z.placed or words[placed] < 0 or words[placed] >= z.vocabulary:
            return False
    return True


@helper
def slopes_of(z, places, lengths, placed):
    """The position encoding of a placed word is first + k/d * second."""
    length = z.common if z.common > 0 else lengths[placed]
    scale = 2.0 if z.common > 0 else 1.0
    j = places[placed] / length
    return scale * (1.0 - j), scale * (2.0 * j - 1.0)


@helper
def add_words(z, sentence, made_of, words, places, lengths, work, ramp, rows, tables, target, t0):
    """Add the words of a sentence to a vector for each of the first `tables` embeddings."""
    keep_apart()
    for i in range(z.longest):
        placed = made_of[sentence * z.longest + i]
        # No word: past its end.
        if words[placed] == 0:
            continue
        first, second = slopes_of(z, places, lengths, placed)
        row = rows + words[placed] * z.tables * z.padded
        for c in range(0, z.padded, z.vector):
            weight = multiply_add(load(work, ramp + c), second, splat(work, first))
            for at in range(c, tables * z.padded, z.padded):
                store(target, t0 + at, multiply_add(load(work, row + at), weight, load(target, t0 + at)))


@helper
def back_to_words(z, sentence, made_of, words, places, lengths, work, ramp, rows, tables, slopes, s0):
    """Add what a sentence's gradient means for its words, for each of the first `tables` embeddings."""
    keep_apart()
    for i in range(z.longest):
        placed = made_of[sentence * z.longest + i]
        if words[placed] == 0:
            continue
        first, second = slopes_of(z, places, lengths, placed)
        row = rows + words[placed] * z.tables * z.padded
        for c in range(0, z.padded, z.vector):
            weight = multiply_add(load(work, ramp + c), second, splat(work, first))
            for at in range(c, tables * z.padded, z.padded):
                store(work, row + at, multiply_add(load(slopes, s0 + at), weight, load(work, row + at)))


@helper
def age_weight(z, work, ramp, c):
    """What an age's vector is multiplied with: 1, or the position encoding of the last place."""
    return multiply_add(load(work, ramp + c), 2.0 if z.common > 0 else 0.0, splat(work, 0.0 if z.common > 0 else 1.0))
