"""A memory network learns: many steps of plain gradient descent in one call of a kernel."""

import math

from neuraltape.kernels.cpu.hops.plan import LearnCall, Sizes
from neuraltape.kernels.cpu.hops.story import (
    add_scaled,
    back_through_hops,
    back_to_facts,
    dot,
    is_right_story,
    read_facts,
    store_facts,
)
from neuraltape.kernels.cpu.hops.words import add_words, back_to_words, clear, from_rows, make_ramp, to_rows
from neuraltape.kernels.cpu.lib.compiler import helper, kernel
from neuraltape.kernels.cpu.lib.job import parts_of
from neuraltape.kernels.cpu.lib.simd import exp, floats, integers, keep_apart, load, splat, store


@helper
def answer(z, right, work, rows, drows, u, du, scores):
    """The loss of an answer; its gradient goes to the last embedding and to u. scores: room for the vocabulary."""
    keep_apart()
    row, last = z.tables * z.padded, z.hops * z.padded
    most = -math.inf
    for word in range(z.vocabulary):
        score = dot(work, u, work, rows + word * row + last, z.padded, z.vector)
        work[scores + word] = score
        # So that a NaN is the largest.
        if not score <= most:
            most = score
    padded = (z.vocabulary + z.vector - 1) // z.vector * z.vector
    for i in range(z.vocabulary, padded):
        work[scores + i] = most - 200.0
    right_score = work[scores + right] - most
    summed = 0.0
    for i in range(0, padded, z.vector):
        store(work, scores + i, exp(load(work, scores + i) - splat(work, most)))
    for word in range(z.vocabulary):
        summed += work[scores + word]
    for word in range(z.vocabulary):
        slope = work[scores + word] / summed - (1.0 if word == right else 0.0)
        place = word * row + last
        add_scaled(work, rows + place, slope, work, du, z.padded, z.vector)
        add_scaled(work, u, slope, work, drows + place, z.padded, z.vector)
    return math.log(summed) - right_score


@helper
def descend(z, work, values, slopes, count, rate, clip):
    """One step of each matrix, its gradient shortened where it is longer than `clip`; the gradients become 0."""
    keep_apart()
    row = z.tables * z.padded
    for table in range(z.tables):
        squared = 0.0
        for i in range(count):
            place = slopes + i * row + table * z.padded
            squared += dot(work, place, work, place, z.padded, z.vector)
        length = math.sqrt(squared)
        step = -rate
        # A NaN passes, and is seen.
        if length > clip:
            step *= clip / length
        for i in range(count):
            place = i * row + table * z.padded
            add_scaled(work, slopes + place, step, work, values + place, z.padded, z.vector)
    clear(work, slopes, count * row, z.vector)


_parts = parts_of(Sizes._fields, LearnCall._fields)


@kernel("hops.learn")
def hops_learn(job):
    """Learn from `batch` questions, some at a time.

    The room: `Sizes.learning_room`. What it is given by name stands in plan.py.
    """
    z, call, _, work = _parts(job)
    facts, ages, questions = integers(call.facts), integers(call.ages), integers(call.questions)
    words, places, lengths = integers(call.words), integers(call.places), integers(call.lengths)
    made_of = integers(call.made_of)
    answers, embeddings, ages_in = integers(call.answers), floats(work, call.embeddings), floats(work, call.times)
    options, size, linear = floats(work, call.options), call.batch_size, call.linear
    row, columns, ramp, rows = z.tables * z.padded, z.columns, 0, z.padded
    times = rows + z.vocabulary * row
    drows = times + z.slots * row
    dtimes = drows + z.vocabulary * row
    stored = dtimes + z.slots * row
    slopes = stored + columns * row
    du = slopes + columns * row
    asked = du + z.padded
    weights = asked + (z.hops + 1) * z.padded
    toward = weights + z.hops * columns
    scores = toward + columns
    for b in range(z.batch):
        right = is_right_story(z, questions[b], facts, ages, b * columns, made_of, words)
        if not right or answers[b] < 0 or answers[b] >= z.vocabulary:
            call.wrong = 1
            return
    make_ramp(z, work, ramp)
    to_rows(z, embeddings, z.vocabulary, work, rows)
    to_rows(z, ages_in, z.slots, work, times)
    clear(work, drows, (z.vocabulary + z.slots) * row, z.vector)
    loss = 0.0
    for b in range(z.batch):
        f0 = b * columns
        clear(work, slopes, columns * row + 2 * z.padded, z.vector)
        add_words(z, questions[b], made_of, words, places, lengths, work, ramp, rows, 1, work, asked)
        count = store_facts(z, facts, ages, f0, made_of, words, places, lengths, work, ramp, rows, times, work, stored)
        empty = z.slots - count
        read_facts(z, facts, f0, work, stored, work, asked, z.padded, work, weights, columns, empty, linear)
        loss += answer(z, answers[b], work, rows, drows, asked + z.hops * z.padded, du, scores)
        back_through_hops(
            z, facts, f0, work, stored, work, asked, z.padded, work, weights, columns, linear, work, du, slopes, toward
        )
        back_to_words(z, questions[b], made_of, words, places, lengths, work, ramp, drows, 1, work, du)
        back_to_facts(z, facts, ages, f0, made_of, words, places, lengths, work, ramp, drows, dtimes, slopes)
        if (b + 1) % size == 0 or b + 1 == z.batch:
            descend(z, work, rows, drows, z.vocabulary, options[0], options[1])
            descend(z, work, times, dtimes, z.slots, options[0], options[1])
    from_rows(z, embeddings, z.vocabulary, work, rows)
    from_rows(z, ages_in, z.slots, work, times)
    options[2] = loss
