"""One step of one sequence, forward: write to what was read before and to the least recent slot, read the nearest."""

import math

from neuraltape.kernels.cpu.lib.activations import sigmoid_of, softplus
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.job import another
from neuraltape.kernels.cpu.lib.simd import copy, floats, keep_apart, tanh
from neuraltape.kernels.cpu.lib.simd import load as load_vector
from neuraltape.kernels.cpu.lib.simd import store as store_vector
from neuraltape.kernels.cpu.sam.links import link
from neuraltape.kernels.cpu.sam.modes import mix, shares_of
from neuraltape.kernels.cpu.sam.plan import ACCESSED_BEFORE, CLOCK, GIVEN, NUMBER, PENDING, PIECE, USED
from neuraltape.kernels.cpu.sam.ring import age_of, find_least, note_accessed, stamp_of
from neuraltape.kernels.cpu.sam.search import search
from neuraltape.kernels.cpu.sam.together import TOGETHER_FROM, search_together


@helper
def keep_inside(slots, start, count, limit):
    """Put 0 in place of what is no slot below a limit. Returns 0, or NaN where there was such a one."""
    wrong = 0.0
    for i in range(start, start + count):
        slot = slots[i]
        if not (slot >= 0.0 and slot < limit and slot == int(slot)):
            slots[i] = 0.0
            wrong = math.nan
    return wrong


@helper
def slots_in_use(given, z, b, work):
    """Below this are all slots that a state may name: those touched or given, for which there have to be rows."""
    used = floats(work, given.used0)[b]
    return used if used <= z.slots and used == int(used) else used * 0.0


@helper
def bring_rows(given, call, z, b, work):
    """A state's rows and ages into the last state's, where they are changed in place. given: what names that state.

    They may be there already: a stream's own state is both. Returns what `keep_inside` does.
    """
    keep_apart()
    wrong, limit = 0.0, slots_in_use(given, z, b, work)
    if given.memory0 != call.memory1:
        copy(floats(work, given.memory0), b * z.slots * z.width, floats(work, call.memory1), b * z.slots * z.width,
             z.slots * z.width)  # fmt: skip
    if z.links > 0:
        if given.links0 != call.links1:
            size = 4 * z.heads * z.slots * z.links
            links = floats(work, call.links1)
            copy(floats(work, given.links0), b * size, links, b * size, size)
            # The others are as they were made for this call.
            rows = min(z.given, z.slots)
            for head in range(b * z.heads, (b + 1) * z.heads):
                start = 4 * head * z.slots * z.links
                for each in range(start, start + 4 * rows * z.links, 2 * z.links):
                    wrong += keep_inside(links, each, z.links, limit)
        size, last = 2 * z.heads * z.links, floats(work, call.precedence1)
        copy(floats(work, given.precedence0), b * size, last, b * size, size)
        for start in range(b * size, (b + 1) * size, 2 * z.links):
            wrong += keep_inside(last, start, z.links, limit)
    ages, stamps = floats(work, given.age0), floats(work, call.age1)
    for n in range(b * z.slots, (b + 1) * z.slots):
        stamps[n] = stamp_of(ages[n])
    return wrong


@helper
def load(call, z, b, work, memory, saved, notes):
    """Bring one sequence's first state in. See `engine.access.Access`.

    The state with which rows begin anew has its rows brought in when they do: `call` then names no other such state.
    Whether a slot is named that is not there is noted in the last state's `used`: 0 or NaN, to which `store` adds.
    """
    keep_apart()
    used = floats(work, call.used0)[b]
    later = call.resets != 0 and call.start == 0
    work[memory + PENDING] = 1.0 if later else 0.0
    work[memory + NUMBER] = b
    work[memory + USED] = used
    work[memory + CLOCK] = 0.0
    work[memory + GIVEN] = used if later else z.given
    work[memory + ACCESSED_BEFORE] = 0.0
    noted, wrong = floats(work, call.used1), 0.0
    # The state with which rows begin anew came first.
    if call.start != 0:
        wrong += noted[b]
    if not later:
        wrong += bring_rows(call, call, z, b, work)
    both = z.heads * z.nearest
    copy(floats(work, call.read_slots0), b * both, saved, notes, both)
    noted[b] = wrong + keep_inside(saved, notes, both, slots_in_use(call, z, b, work))
    copy(floats(work, call.read_weights0), b * both, saved, notes + z.focus, both)


@helper
def store(call, z, b, work, memory, saved, notes):
    """Bring one sequence's last state out. See `engine.access.Access`."""
    stamps, clock = floats(work, call.age1), work[memory + CLOCK]
    for n in range(b * z.slots, (b + 1) * z.slots):
        stamps[n] = age_of(stamps[n], clock)
    floats(work, call.used1)[b] += work[memory + USED]
    both = z.heads * z.nearest
    copy(saved, notes, floats(work, call.read_slots1), b * both, both)
    copy(saved, notes + z.focus, floats(work, call.read_weights1), b * both, both)


@helper
def activate(work, raw, saved, p, z):
    """Bring one row of raw head parameters into their ranges.

    Whole vectors spill over the end of a part; the order of the parts makes the next one repair that.
    """
    keep_apart()
    for i in range(0, z.strength, z.vector):
        store_vector(saved, p + i, tanh(load_vector(work, raw + i)))
    for i in range(z.add, z.parameters, z.vector):
        store_vector(saved, p + i, tanh(load_vector(work, raw + i)))
    for head in range(z.heads):
        saved[p + z.strength + head] = softplus(work[raw + z.strength + head])
    for i in range(z.write_gate, z.add):
        saved[p + i] = sigmoid_of(work[raw + i])
    if z.links > 0:
        for head in range(z.heads):
            shares_of(work, raw + z.modes + 3 * head, saved, p + z.modes + 3 * head)


@helper
def write(z, rows, m0, saved, p, before, after, work, places, shares):
    """Clear the least recent slots, then add. Notes what each head did where: the first entries of the lists."""
    keep_apart()
    width, entry = z.width, 0
    for head in range(z.heads):
        row = m0 + int(saved[after + z.least + head]) * width
        for w in range(width):
            rows[row + w] = 0.0
    for head in range(z.heads):
        alpha, gamma, add = saved[p + z.write_gate + head], saved[p + z.gate + head], p + z.add + head * width
        for j in range(z.nearest + 1):
            if j < z.nearest:
                slot = saved[before + head * z.nearest + j]
                share = alpha * (gamma * saved[before + z.focus + head * z.nearest + j])
            else:
                slot = saved[after + z.least + head]
                share = alpha * (1.0 - gamma)
            row = m0 + int(slot) * width
            for w in range(width):
                rows[row + w] += share * saved[add + w]
            work[places + entry] = slot
            work[shares + entry] = share
            entry += 1


@helper
def look_up(z, rows, m0, saved, p, after, work, scratch):
    """How much keys match their nearest slots. Notes slots, weights and rows."""
    keep_apart()
    width, count = z.width, z.nearest
    for head in range(z.heads):
        mine, strength = head * count, saved[p + z.strength + head]
        cosines = scratch + z.cosines + mine
        peak = strength * work[cosines]
        for j in range(1, count):
            peak = max(peak, strength * work[cosines + j])
        summed = 0.0
        for j in range(count):
            share = math.exp(strength * work[cosines + j] - peak)
            saved[after + z.same + mine + j] = share
            summed += share
        for j in range(count):
            slot = work[scratch + (z.heads + 1) * PIECE + mine + j]
            saved[after + z.same_slots + mine + j] = slot
            saved[after + z.same + mine + j] /= summed
            row, kept = m0 + int(slot) * width, after + z.same_rows + (mine + j) * width
            for w in range(width):
                saved[kept + w] = rows[row + w]


@helper
def read(z, saved, after, work, reads):
    """The rows that a head sees, by its focus."""
    keep_apart()
    width = z.width
    for head in range(z.heads):
        for w in range(width):
            work[reads + head * width + w] = 0.0
        for j in range(head * z.nearest, (head + 1) * z.nearest):
            share, row = saved[after + z.focus + j], after + z.seen_rows + j * width
            for w in range(width):
                work[reads + head * width + w] += share * saved[row + w]


@helper
def forward(call, z, work, memory, raw, saved, parameters, before, after, reads, scratch):
    """Write, then read; note what was accessed. See `engine.access.Access`."""
    keep_apart()
    b = int(work[memory + NUMBER])
    if work[memory + PENDING] != 0.0:
        floats(work, call.used1)[b] += bring_rows(another(call, call.start), call, z, b, work)
        work[memory + PENDING] = 0.0
    rows, m0 = floats(work, call.memory1), b * z.slots * z.width
    stamps, s0 = floats(work, call.age1), b * z.slots
    places, shares = scratch + z.places, scratch + z.shares
    work[memory + CLOCK] += 1.0
    activate(work, raw, saved, parameters, z)
    find_least(z, stamps, s0, work, memory, saved, after + z.least)
    write(z, rows, m0, saved, parameters, before, after, work, places, shares)
    used = work[memory + USED]
    for head in range(z.heads):
        used = max(used, saved[after + z.least + head] + 1.0)
    # Those that were never touched are alike: the first of them stand for all.
    count = min(z.slots, max(int(work[memory + GIVEN]), int(used) + z.nearest))
    if call.boards != 0 and count >= TOGETHER_FROM:
        search_together(call, z, b, count, saved, parameters, work, scratch)
    else:
        search(z, rows, m0, count, saved, parameters, work, scratch)
    look_up(z, rows, m0, saved, parameters, after, work, scratch)
    if z.links > 0:
        lists, last = floats(work, call.links1), floats(work, call.precedence1)
        for head in range(z.heads):
            l0, p0 = 4 * (b * z.heads + head) * z.slots * z.links, 2 * (b * z.heads + head) * z.links
            wrote, modes = head * (z.nearest + 1), parameters + z.modes + 3 * head
            link(z, lists, l0, last, p0, work, places + wrote, shares + wrote, scratch + z.linking)
            mix(z, head, lists, l0, rows, m0, saved, modes, before, after, work, scratch + z.linking)
    read(z, saved, after, work, reads)
    entry = z.heads * (z.nearest + 1)
    for i in range(z.heads * z.nearest):
        slot = saved[after + i]
        used = max(used, slot + 1.0)
        work[places + entry + i] = slot
        work[shares + entry + i] = saved[after + z.focus + i]
    work[memory + USED] = used
    note_accessed(work, places, shares, entry + z.heads * z.nearest, stamps, s0, memory)


@helper
def replay(call, z, work, old, new, saved, parameters, before, after, scratch):
    """What the way back asks of a step: which sequence it is. See `engine.access.Access`."""
    copy(work, old, work, new, z.ld_memory)
    work[new + PENDING] = 0.0
