"""A head's focus with links: backward, content and forward, each by its share; the largest weights are kept."""

import math

from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import keep_apart
from neuraltape.kernels.cpu.sam.links import put, value_of


@helper
def shares_of(raw, r, saved, p):
    """The softmax of three numbers."""
    peak = max(raw[r], raw[r + 1], raw[r + 2])
    a, b, c = math.exp(raw[r] - peak), math.exp(raw[r + 1] - peak), math.exp(raw[r + 2] - peak)
    summed = a + b + c
    saved[p], saved[p + 1], saved[p + 2] = a / summed, b / summed, c / summed


@helper
def join(work, slots, found, slot, value):
    """Add to a slot's weight in a list that has `found` of them in any order. Returns how many it has then.

    slots: place of the slots; the weights lie `work[slots - 1]` places behind them.
    """
    values, e = slots + int(work[slots - 1]), 0
    while e < found and work[slots + e] != slot:
        e += 1
    if e == found:
        work[slots + e] = slot
        work[values + e] = 0.0
        found += 1
    work[values + e] += value
    return found


@helper
def mix(z, head, lists, l0, rows, m0, saved, p, before, after, work, room):
    """The focus, and notes of it: slots, weights, rows, and how much each link counts in them.

    lists: of all slots, the head's first at l0. room: place of numbers that may be anything.
    """
    keep_apart()
    links, count, width = z.links, z.nearest, z.width
    most, mine = count * (2 * links + 1), head * z.nearest
    back, same, on = saved[p], saved[p + 1], saved[p + 2]
    slots = room + 1
    best, found = slots + 2 * most, 0
    work[room] = most
    for a in range(count):
        share, row = saved[before + z.focus + mine + a], l0 + 4 * int(saved[before + mine + a]) * links
        for e in range(links):
            if lists[row + links + e] != 0.0:
                found = join(work, slots, found, lists[row + e], back * share * lists[row + links + e])
            if lists[row + 3 * links + e] != 0.0:
                found = join(work, slots, found, lists[row + 2 * links + e], on * share * lists[row + 3 * links + e])
        weight = same * saved[after + z.same + mine + a]
        found = join(work, slots, found, saved[after + z.same_slots + mine + a], weight)
    for e in range(2 * count):
        work[best + e] = 0.0
    for e in range(found):
        put(work, best, count, int(work[slots + e]), work[slots + most + e])
    taken = 0
    while taken < count and work[best + count + taken] != 0.0:
        taken += 1
    fill, slot = taken, 0
    # What is left of a head's slots are the first, whose weights are nothing.
    while fill < count:
        e = 0
        while e < taken and work[best + e] != slot:
            e += 1
        if e == taken:
            e = 0
            while e < found and work[slots + e] != slot:
                e += 1
            work[best + fill] = slot
            work[best + count + fill] = work[slots + most + e] if e < found else 0.0
            fill += 1
        slot += 1
    for k in range(count):
        slot = int(work[best + k])
        saved[after + mine + k] = slot
        saved[after + z.focus + mine + k] = work[best + count + k]
        kept = after + z.seen_rows + (mine + k) * width
        for w in range(width):
            saved[kept + w] = rows[m0 + slot * width + w]
        counts = after + z.counts + 2 * mine * count + k
        for a in range(count):
            row = l0 + 4 * int(saved[before + mine + a]) * links
            saved[counts + 2 * a * count] = value_of(lists, row, links, slot)
            saved[counts + (2 * a + 1) * count] = value_of(lists, row + 2 * links, links, slot)


@helper
def mix_backward(z, head, work, saved, p, before, after, dfocus, dmodes, dsame, dbefore):
    """Backward of `mix`: to the three shares, to what the key matches and to the focus of the step before."""
    keep_apart()
    count, mine = z.nearest, head * z.nearest
    back, same, on = saved[p], saved[p + 1], saved[p + 2]
    dback, dmatch, don = 0.0, 0.0, 0.0
    for a in range(count):
        work[dsame + a] = 0.0
        work[dbefore + a] = 0.0
    for k in range(count):
        slope, counts = work[dfocus + k], after + z.counts + 2 * mine * count + k
        for a in range(count):
            share = saved[before + z.focus + mine + a]
            behind, ahead = saved[counts + 2 * a * count], saved[counts + (2 * a + 1) * count]
            dback += slope * share * behind
            don += slope * share * ahead
            work[dbefore + a] += slope * (back * behind + on * ahead)
            if saved[after + z.same_slots + mine + a] == saved[after + mine + k]:
                dmatch += slope * saved[after + z.same + mine + a]
                work[dsame + a] += slope * same
    mean = back * dback + same * dmatch + on * don
    work[dmodes] = back * (dback - mean)
    work[dmodes + 1] = same * (dmatch - mean)
    work[dmodes + 2] = on * (don - mean)
