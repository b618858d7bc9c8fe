"""A head's sparse links after its write: lists of a few slots and how much, of which no other slot's are touched.

A list has `z.links` slots, then as many values; the largest comes first, of equal ones the lower slot, and an empty
place is 0 and 0. A slot has two in a row of four times as many numbers: what was written right before it, and right
after it. Each link stands in two lists, that of its one end and that of the other, with the same value.
"""

from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import keep_apart
from neuraltape.kernels.cpu.sam.search import rank_of


@helper
def place_of(lists, at, count, slot):
    """The place of a slot in a list; -1 where it is not there."""
    for e in range(count):
        if lists[at + e] == slot and lists[at + count + e] != 0.0:
            return e
    return -1


@helper
def value_of(lists, at, count, slot):
    """How much of a slot a list has."""
    e = place_of(lists, at, count, slot)
    return lists[at + count + e] if e >= 0 else lists[at] * 0.0


@helper
def drop(lists, at, count, slot):
    """Take a slot from a list, if it is there."""
    e = place_of(lists, at, count, slot)
    if e >= 0:
        for k in range(at + e, at + count - 1):
            lists[k] = lists[k + 1]
            lists[k + count] = lists[k + count + 1]
        lists[at + count - 1] = 0.0
        lists[at + 2 * count - 1] = 0.0


@helper
def comes_after(lists, at, count, e, slot, rank):
    """Whether what stands at a place of a list comes after a slot with this rank."""
    other = rank_of(lists[at + count + e])
    return other < rank or (other == rank and lists[at + e] > slot)


@helper
def put(lists, at, count, slot, value):
    """Put a slot that is not there into a list. Returns the slot that has no room, or is too little; -1: none."""
    rank, e, out = rank_of(value), count - 1, -1
    if rank < 1.0:
        return slot
    if lists[at + count + e] != 0.0:
        if not comes_after(lists, at, count, e, slot, rank):
            return slot
        out = int(lists[at + e])
    while e > 0 and comes_after(lists, at, count, e - 1, slot, rank):
        lists[at + e] = lists[at + e - 1]
        lists[at + count + e] = lists[at + count + e - 1]
        e -= 1
    lists[at + e] = slot
    lists[at + count + e] = value
    return out


@helper
def merge(z, work, places, shares, written):
    """What a head wrote where, each slot once: a list of `z.nearest + 1` in no order. Returns how much in all."""
    count, n, summed = z.nearest + 1, 0, 0.0
    for i in range(2 * count):
        work[written + i] = 0.0
    for i in range(count):
        slot, share, e = work[places + i], work[shares + i], 0
        while e < n and work[written + e] != slot:
            e += 1
        work[written + e] = slot
        work[written + count + e] += share
        n = max(n, e + 1)
        summed += share
    return summed


@helper
def fade_columns(z, lists, l0, work, written, kept):
    """Let fade what was written after the slots that are written now, but for what is written now too."""
    links, count = z.links, z.nearest + 1
    for n in range(count):
        share, j = work[written + count + n], int(work[written + n])
        if share == 0.0:
            continue
        column = l0 + (4 * j + 2) * links
        for e in range(2 * links):
            work[kept + e] = lists[column + e]
        for e in range(links):
            m, value = int(work[kept + e]), work[kept + links + e]
            if value != 0.0 and place_of(work, written, count, m) < 0:
                row = l0 + 4 * m * links
                drop(lists, column, links, m)
                drop(lists, row, links, j)
                put(lists, column, links, m, value * (1.0 - share))
                put(lists, row, links, j, value * (1.0 - share))


@helper
def renew_row(z, lists, l0, last, p0, work, written, n, row, pending, found):
    """What was written before a slot that is written now. Notes links that are new; returns how many there are now.

    n: place of the slot in `written`. row: place of a list of twice as many. found: how many were new so far.
    """
    links, count = z.links, z.nearest + 1
    i, share = int(work[written + n]), work[written + count + n]
    old = l0 + 4 * i * links
    for e in range(4 * links):
        work[row + e] = 0.0
    for e in range(links):
        value, j = lists[old + links + e], int(lists[old + e])
        if value != 0.0:
            fades = 1.0 - share - value_of(work, written, count, j)
            value = fades * value + share * value_of(last, p0, links, j)
            if put(work, row, 2 * links, j, value) == j:
                drop(lists, l0 + (4 * j + 2) * links, links, i)
    for e in range(links):
        value, j = last[p0 + links + e], int(last[p0 + e])
        if value != 0.0 and j != i and place_of(lists, old, links, j) < 0:
            put(work, row, 2 * links, j, share * value)
    for e in range(2 * links):
        value, j = work[row + 2 * links + e], int(work[row + e])
        if value == 0.0:
            break
        column = l0 + (4 * j + 2) * links
        if place_of(lists, old, links, j) >= 0:
            drop(lists, column, links, i)
            if e < links:
                put(lists, column, links, i, value)
        elif e < links:
            work[pending + 3 * found] = i
            work[pending + 3 * found + 1] = j
            work[pending + 3 * found + 2] = value
            found += 1
    for e in range(links):
        lists[old + e] = work[row + e]
        lists[old + links + e] = work[row + 2 * links + e]
    return found


@helper
def renew_precedence(z, last, p0, work, written, summed, row):
    """What was written last. row: place of a list with room for all that there may be."""
    links, count = z.links, z.nearest + 1
    most = links + count
    for e in range(2 * most):
        work[row + e] = 0.0
    for e in range(links):
        value, j = last[p0 + links + e], int(last[p0 + e])
        if value != 0.0:
            put(work, row, most, j, (1.0 - summed) * value + value_of(work, written, count, j))
    for n in range(count):
        value, j = work[written + count + n], int(work[written + n])
        if value != 0.0 and place_of(last, p0, links, j) < 0:
            put(work, row, most, j, value)
    for e in range(links):
        last[p0 + e] = work[row + e]
        last[p0 + links + e] = work[row + most + e]


@helper
def link(z, lists, l0, last, p0, work, places, shares, room):
    """A head's links and precedence after its write.

    lists: of all slots, the head's first at l0. last: the precedence, a list at p0. places, shares: what it wrote
    where. room: place of numbers that may be anything.
    """
    keep_apart()
    links, count = z.links, z.nearest + 1
    written, row = room, room + 2 * count
    pending = row + 2 * (2 * links + count)
    summed = merge(z, work, places, shares, written)
    fade_columns(z, lists, l0, work, written, row)
    found = 0
    for n in range(count):
        if work[written + count + n] != 0.0:
            found = renew_row(z, lists, l0, last, p0, work, written, n, row, pending, found)
    # Only now: what a row no longer has makes room in a column.
    for n in range(found):
        i, j, value = int(work[pending + 3 * n]), int(work[pending + 3 * n + 1]), work[pending + 3 * n + 2]
        out = put(lists, l0 + (4 * j + 2) * links, links, i, value)
        if out >= 0:
            drop(lists, l0 + 4 * out * links, links, j)
    renew_precedence(z, last, p0, work, written, summed, row)
