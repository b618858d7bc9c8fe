"""All hops of a memory network with adjacent sharing, question after question, forward and backward.

Both tables begin with the addresses of facts, ages (B, columns), questions (B,), words, places, lengths (placed,) and
made_of (sentences, longest); see `Sentences`.
"""

from neuraltape.kernels.cpu.hops.plan import parts
from neuraltape.kernels.cpu.hops.story import (
    back_through_hops,
    back_to_facts,
    is_right_story,
    read_facts,
    store_facts,
)
from neuraltape.kernels.cpu.hops.words import add_words, back_to_words, clear, from_rows, make_ramp, to_rows
from neuraltape.kernels.cpu.lib.compiler import kernel
from neuraltape.kernels.cpu.lib.simd import copy, floats, integers


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
    row, columns, ramp, rows = z.tables * z.padded, z.columns, 0, z.padded
    times = rows + z.vocabulary * row
    make_ramp(z, work, ramp)
    to_rows(z, floats(work, table[7]), z.vocabulary, work, rows)
    to_rows(z, floats(work, table[8]), z.slots, work, times)
    for b in range(z.batch):
        f0, u, s0 = b * columns, b * z.padded, b * columns * row
        if not is_right_story(z, questions[b], facts, ages, f0, made_of, words):
            table[13] = 1
            return
        clear(asked, u, z.padded, z.vector)
        add_words(z, questions[b], made_of, words, places, lengths, work, ramp, rows, 1, asked, u)
        count = store_facts(z, facts, ages, f0, made_of, words, places, lengths, work, ramp, rows, times, stored, s0)
        u_apart, w_apart = z.batch * z.padded, z.batch * columns
        empty = z.slots - count
        read_facts(z, facts, f0, stored, s0, asked, u, u_apart, weights, f0, w_apart, empty, table[12])


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
    weights = floats(work, table[10])
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
            table[13], work, u, slopes, toward,
        )  # fmt: skip
        back_to_words(z, questions[b], made_of, words, places, lengths, work, ramp, rows, 1, work, u)
        back_to_facts(z, facts, ages, f0, made_of, words, places, lengths, work, ramp, rows, times, slopes)
    from_rows(z, floats(work, table[11]), z.vocabulary, work, rows)
    from_rows(z, floats(work, table[12]), z.slots, work, times)
