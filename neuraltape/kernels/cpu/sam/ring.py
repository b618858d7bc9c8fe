"""Which slots were accessed how long ago: the number of the step, kept for each row; the least recent are sought."""

from neuraltape.functional.sam import ACCESSED, NEVER
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import keep_apart
from neuraltape.kernels.cpu.sam.plan import ACCESSED_BEFORE, CLOCK, GIVEN, USED


@helper
def stamp_of(age):
    """The step at which a slot was accessed, counted from the start of the call, by its age then."""
    return -age


@helper
def age_of(stamp, clock):
    """The way back, `clock` steps later."""
    return NEVER if stamp <= -NEVER else min(clock - stamp, NEVER - 1.0)


@helper
def find_least(z, stamps, s0, work, memory, saved, least):
    """The slots that were accessed longest ago, one a head, the longest first; of equals the first."""
    keep_apart()
    heads, fresh, found = z.heads, int(work[memory + ACCESSED_BEFORE]), 0
    count = min(z.slots, max(int(work[memory + GIVEN]), int(work[memory + USED]) + heads))
    while fresh < count and stamps[s0 + fresh] > -NEVER:
        fresh += 1
    work[memory + ACCESSED_BEFORE] = fresh
    n = fresh
    while n < count and found < heads:
        if not stamps[s0 + n] > -NEVER:
            saved[least + found] = n
            found += 1
        n += 1
    if found == heads:
        return
    # There are too few that were never accessed: all others are compared.
    found = 0
    for n in range(count):
        stamp = stamps[s0 + n]
        if found < heads or stamp < stamps[s0 + int(saved[least + heads - 1])]:
            place = min(found, heads - 1)
            while place > 0 and stamp < stamps[s0 + int(saved[least + place - 1])]:
                saved[least + place] = saved[least + place - 1]
                place -= 1
            saved[least + place] = n
            found += 1


@helper
def note_accessed(work, places, shares, count, stamps, s0, memory):
    """Stamp the slots at which all heads together did enough. places, shares: of what they did, `count` times."""
    keep_apart()
    clock = work[memory + CLOCK]
    for i in range(count):
        slot, summed = work[places + i], 0.0
        if slot >= 0.0:
            for j in range(i, count):
                if work[places + j] == slot:
                    summed += work[shares + j]
                    # It has been counted.
                    if j > i:
                        work[places + j] = -1.0
            if summed > ACCESSED:
                stamps[s0 + int(slot)] = clock
