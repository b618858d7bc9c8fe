"""A search in which threads without a sequence of their own take part, piece by piece, with the same result.

Every thread has the nearest of the pieces that it took; then they are brought together by rank, and of equal ones by
their number, which is the order that a single thread finds them in.
"""

import numpy as np

from neuraltape.kernels.cpu.lib.board import (
    BOARD,
    DONE,
    INSIDE,
    NEXT,
    OPEN,
    TOLD,
    add,
    enter_alone,
    leave_to_others,
    peek,
    put,
    wait_a_moment,
)
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import address_of, copy, floats, integers, keep_apart
from neuraltape.kernels.cpu.sam.plan import PIECE, Sizes
from neuraltape.kernels.cpu.sam.search import none_yet, search_rows

# Rows that a thread takes at a time.
PORTION = 16 * PIECE
# Fewer rows are searched before another thread has come.
TOGETHER_FROM = 4 * PORTION
# What the helpers are told: how many rows, the place of the activated parameters, the room of the thread that asks and
# the place in it where the nearest of all go.
ROWS, PARAMETERS, ROOM, NEAREST = range(TOLD, TOLD + 4)


def asks(z: Sizes) -> bool:
    """Whether there may be so many rows."""
    return z.slots >= TOGETHER_FROM


@helper
def bring_together(z, work, mine, others, theirs):
    """Into the nearest slots of all heads those that one thread found. theirs: place in `others` of the former."""
    both = z.heads * z.nearest
    for head in range(z.heads):
        first = theirs + head * z.nearest
        for j in range(mine + head * z.nearest, mine + (head + 1) * z.nearest):
            slot, rank = work[j], work[j + both]
            place = first + z.nearest
            while place > first and (
                rank > others[place - 1 + both] or (rank == others[place - 1 + both] and slot < others[place - 1])
            ):
                place -= 1
            # Whoever found fewer than there are places has others at the end, which are no rows.
            if place < first + z.nearest and rank > -np.inf:
                for k in range(first + z.nearest - 1, place, -1):
                    for part in range(k, k + 3 * both, both):
                        others[part] = others[part - 1]
                others[place] = slot
                others[place + both] = rank
                others[place + 2 * both] = work[j + 2 * both]


@helper
def take_portions(call, z, b, saved, work, scratch):
    """Search portions of a sequence's rows until none is left, and bring what was found to the others."""
    keep_apart()
    board, at = integers(call.boards), BOARD * (1 + b)
    rows, m0 = floats(work, call.memory1), b * z.slots * z.width
    count, parameters = peek(board, at + ROWS), peek(board, at + PARAMETERS)
    mine, portions = scratch + (z.heads + 1) * PIECE, 0
    first = add(board, at + NEXT, 1) * PORTION
    while first < count:
        if portions == 0:
            none_yet(z, work, mine)
        search_rows(z, rows, m0, first, min(first + PORTION, count), saved, parameters, work, scratch)
        portions += 1
        first = add(board, at + NEXT, 1) * PORTION
    if portions > 0:
        enter_alone(board, at)
        bring_together(z, work, mine, floats(work, peek(board, at + ROOM)), peek(board, at + NEAREST))
        leave_to_others(board, at)
        add(board, at + DONE, portions)


@helper
def search_together(call, z, b, count, saved, parameters, work, scratch):
    """`search` among many rows."""
    keep_apart()
    board, at = integers(call.boards), BOARD * (1 + b)
    together = scratch + z.together
    none_yet(z, work, together)
    put(board, at + ROWS, count)
    put(board, at + PARAMETERS, parameters)
    put(board, at + ROOM, address_of(work))
    put(board, at + NEAREST, together)
    put(board, at + NEXT, 0)
    put(board, at + DONE, 0)
    put(board, at + OPEN, 1)
    take_portions(call, z, b, saved, work, scratch)
    portions, waited = (count + PORTION - 1) // PORTION, 0
    while peek(board, at + DONE) < portions:
        waited = wait_a_moment(board, waited)
    put(board, at + OPEN, 0)
    # Nobody looks at what is told here any more when it changes.
    while peek(board, at + INSIDE) > 0:
        waited = wait_a_moment(board, waited)
    copy(work, together, work, scratch + (z.heads + 1) * PIECE, 3 * z.heads * z.nearest)


@helper
def may_ask(call, z, work):
    """Whether there is a sequence that has so many rows from the start. See `engine.access.Access`."""
    keep_apart()
    used, most = floats(work, call.used0), float(z.given)
    for b in range(z.batch):
        most = max(most, used[b])
    return most >= TOGETHER_FROM


@helper
def assist(call, z, work, scratch):
    """Help each sequence that asks for it once. See `engine.access.Access`."""
    keep_apart()
    board, helped = integers(call.boards), False
    for b in range(z.batch):
        at = BOARD * (1 + b)
        # Who comes when all portions are taken would only be in the way of those who have them.
        if peek(board, at + OPEN) != 0 and peek(board, at + NEXT) * PORTION < peek(board, at + ROWS):
            helped = True
            add(board, at + INSIDE, 1)
            # What was open may have been closed, and opened anew; what is told is of now from here on.
            if peek(board, at + OPEN) != 0:
                take_portions(call, z, b, floats(work, call.saved), work, scratch)
            add(board, at + INSIDE, -1)
    return helped
