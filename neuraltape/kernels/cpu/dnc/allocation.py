"""Which slots are free, forward and backward: retention, usage, the order of slots, allocation. See README.md."""

from neuraltape.functional.allocation import LEAST_USAGE
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import keep_apart, load, multiply_add, splat, store, total, where

_REST = 1.0 - LEAST_USAGE
# What is offered less than this is not offered: numbers so small become subnormal further on, which take a hundred
# times as long, and nothing would be seen of them.
_NOTHING = 1e-25


@helper
def retention(z, work, saved, p, before, kept):
    """What stays of each slot after what was freed, at `kept` in `work`."""
    keep_apart()
    for tile in range(z.tiles):
        left = splat(work, 1.0)
        for head in range(z.reading):
            focus = load(saved, before + head * z.padded + tile * z.vector)
            left = left - left * focus * saved[p + z.free + head]
        store(work, kept + tile * z.vector, left)


@helper
def count_usage(z, work, saved, before, after, kept):
    """The usage after the free gates, into the notes."""
    keep_apart()
    for tile in range(z.tiles):
        place = tile * z.vector
        used, written = load(saved, before + z.used + place), load(saved, before + z.written + place)
        used = (used + written - used * written) * load(work, kept + place)
        store(saved, after + z.used + place, used)


@helper
def sort_slots(z, work, saved, after, ranks):
    """The slots by rising usage, into the notes; of equal ones the lower number first. ranks: room for a weighting.

    How many slots come before each, all against all: there is no branch in it, and for some hundred slots it is quicker
    than to sort them. Of two slots exactly one counts for the other; what is no number may leave places twice or not at
    all, which then keep the slot that they have.
    """
    keep_apart()
    used, order, vector = after + z.used, after + z.order, z.vector
    for tile in range(z.tiles):
        mine = load(saved, used + tile * vector)
        first, second, lanes = splat(work, 0.0), splat(work, 0.0), tile * vector
        for m in range(lanes):
            first = first + where(mine < saved[used + m], 0.0, splat(work, 1.0))
        for m in range(lanes + vector, z.slots):
            second = second + where(splat(work, saved[used + m]) < mine, splat(work, 1.0), 0.0)
        store(work, ranks + lanes, first + second)
        for lane in range(lanes, min(lanes + vector, z.slots)):
            before = 0.0
            for m in range(lanes, lane):
                before += 0.0 if saved[used + lane] < saved[used + m] else 1.0
            for m in range(lane + 1, min(lanes + vector, z.slots)):
                before += 1.0 if saved[used + m] < saved[used + lane] else 0.0
            work[ranks + lane] += before
    for n in range(z.padded):
        saved[order + n] = n
    for n in range(z.slots):
        saved[order + int(work[ranks + n])] = n


@helper
def allocate(z, work, saved, after, offered):
    """Where a free slot is, at `offered` in `work`."""
    keep_apart()
    for n in range(z.padded):
        work[offered + n] = 0.0
    taken = 1.0
    for j in range(z.slots):
        slot = int(saved[after + z.order + j])
        used = LEAST_USAGE + _REST * saved[after + z.used + slot]
        work[offered + slot] = (1.0 - used) * taken
        taken *= used
        if taken < _NOTHING:
            return


@helper
def allocate_backward(z, work, saved, after, doffered, dused, free):
    """Backward of `allocate`: adds to the gradient of the usage. free: room for a weighting."""
    keep_apart()
    taken, last = 1.0, z.slots
    for j in range(z.slots):
        work[free + j] = taken
        slot = int(saved[after + z.order + j])
        taken *= LEAST_USAGE + _REST * saved[after + z.used + slot]
        if taken < _NOTHING:
            last = j + 1
            break
    rest = 0.0
    for j in range(last - 1, -1, -1):
        slot = int(saved[after + z.order + j])
        slope = work[doffered + slot]
        work[dused + slot] += _REST * work[free + j] * (rest - slope)
        used = LEAST_USAGE + _REST * saved[after + z.used + slot]
        rest = (1.0 - used) * slope + used * rest


@helper
def usage_backward(z, work, saved, before, kept, dused, dkept):
    """Backward of `count_usage`: the gradient of the usage becomes that before the step; adds to that of `kept`.

    Where the write head wrote before has no gradient here.
    """
    keep_apart()
    for tile in range(z.tiles):
        place = tile * z.vector
        used, written = load(saved, before + z.used + place), load(saved, before + z.written + place)
        slope = load(work, dused + place)
        store(work, dkept + place, multiply_add(slope, used + written - used * written, load(work, dkept + place)))
        slope = slope * load(work, kept + place)
        store(work, dused + place, slope - slope * written)


@helper
def retention_backward(z, work, saved, p, before, dkept, dweights, dparameters):
    """Backward of `retention`: adds to the gradients of the read weights before, sets those of the free gates."""
    keep_apart()
    for head in range(z.reading):
        free, summed = saved[p + z.free + head], splat(work, 0.0)
        for tile in range(z.tiles):
            place = tile * z.vector
            slope = load(work, dkept + place)
            # No factor is divided by: it may be 0.
            for other in range(z.reading):
                if other != head:
                    focus = load(saved, before + other * z.padded + place)
                    slope = slope - slope * focus * saved[p + z.free + other]
            mine = head * z.padded + place
            summed = multiply_add(slope, load(saved, before + mine), summed)
            store(work, dweights + mine, load(work, dweights + mine) - slope * free)
        work[dparameters + z.free + head] = -total(summed)
