"""All hops of a memory network with adjacent sharing, question after question, forward and backward.

What they are given by name stands in plan.py.
"""

from neuraltape.kernels.cpu.hops.plan import BackwardCall, ForwardCall, Sizes
from neuraltape.kernels.cpu.hops.story import (
    back_through_hops,
    back_to_facts,
    is_right_story,
    read_facts,
    store_facts,
)
from neuraltape.kernels.cpu.hops.words import add_words, back_to_words, clear, from_rows, make_ramp, to_rows
from neuraltape.kernels.cpu.lib.compiler import kernel
from neuraltape.kernels.cpu.lib.job import parts_of
from neuraltape.kernels.cpu.lib.simd import copy, floats, integers

_parts_forward, _parts_backward = (parts_of(Sizes._fields, call._fields) for call in (ForwardCall, BackwardCall))


@kernel("hops.forward")
def hops_forward(job):
    """Store the facts of each question, and read them.

    The room: `Sizes.forward_room`.
    """
    z, call, _, work = _parts_forward(job)
    facts, ages, questions = integers(call.facts), integers(call.ages), integers(call.questions)
    words, places, lengths = integers(call.words), integers(call.places), integers(call.lengths)
    made_of = integers(call.made_of)
    stored, asked, weights = floats(work, call.stored), floats(work, call.asked), floats(work, call.weights)
    row, columns, ramp, rows = z.tables * z.padded, z.columns, 0, z.padded
    times = rows + z.vocabulary * row
    make_ramp(z, work, ramp)
    to_rows(z, floats(work, call.embeddings), z.vocabulary, work, rows)
    to_rows(z, floats(work, call.times), z.slots, work, times)
    for b in range(z.batch):
        f0, u, s0 = b * columns, b * z.padded, b * columns * row
        if not is_right_story(z, questions[b], facts, ages, f0, made_of, words):
            call.wrong = 1
            return
        clear(asked, u, z.padded, z.vector)
        add_words(z, questions[b], made_of, words, places, lengths, work, ramp, rows, 1, asked, u)
        count = store_facts(z, facts, ages, f0, made_of, words, places, lengths, work, ramp, rows, times, stored, s0)
        u_apart, w_apart = z.batch * z.padded, z.batch * columns
        empty = z.slots - count
        read_facts(z, facts, f0, stored, s0, asked, u, u_apart, weights, f0, w_apart, empty, call.linear)


@kernel("hops.backward")
def hops_backward(job):
    """From the gradient of the last u to those of embeddings and times.

    The room: `Sizes.backward_room`.
    """
    z, call, _, work = _parts_backward(job)
    facts, ages, questions = integers(call.facts), integers(call.ages), integers(call.questions)
    words, places, lengths = integers(call.words), integers(call.places), integers(call.lengths)
    made_of = integers(call.made_of)
    given, stored, asked = floats(work, call.du), floats(work, call.stored), floats(work, call.asked)
    weights = floats(work, call.weights)
    row, columns, ramp, rows = z.tables * z.padded, z.columns, 0, z.padded
    times = rows + z.vocabulary * row
    slopes = times + z.slots * row
    u = slopes + columns * row
    toward = u + z.padded
    make_ramp(z, work, ramp)
    clear(work, rows, (z.vocabulary + z.slots) * row, z.vector)
    for b in range(z.batch):
        f0 = b * columns
        clear(work, slopes, columns * row + z.padded, z.vector)
        copy(given, b * z.width, work, u, z.width)
        back_through_hops(
            z, facts, f0, stored, f0 * row, asked, b * z.padded, z.batch * z.padded, weights, f0, z.batch * columns,
            call.linear, work, u, slopes, toward,
        )  # fmt: skip
        back_to_words(z, questions[b], made_of, words, places, lengths, work, ramp, rows, 1, work, u)
        back_to_facts(z, facts, ages, f0, made_of, words, places, lengths, work, ramp, rows, times, slopes)
    from_rows(z, floats(work, call.dembeddings), z.vocabulary, work, rows)
    from_rows(z, floats(work, call.dtimes), z.slots, work, times)
