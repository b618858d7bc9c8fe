"""One step of one sequence, backward. Equations: ../README.md.

The gradient of the memory is one buffer for the whole call, that of the first state's memory, to which each step adds
at the slots that it touched.
"""

from neuraltape.kernels.cpu.lib.activations import softplus_slope
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.job import another
from neuraltape.kernels.cpu.lib.simd import copy, floats, keep_apart
from neuraltape.kernels.cpu.sam.modes import mix_backward
from neuraltape.kernels.cpu.sam.plan import NUMBER, PENDING
from neuraltape.kernels.cpu.sam.search import dot, inverse_norm


@helper
def clear(array, start, count):
    """Set `count` elements to 0."""
    for i in range(start, start + count):
        array[i] = 0.0


@helper
def load_slopes(call, z, b, work, slopes, dnotes):
    """Bring in the gradient of one sequence's last state, where there is one. See `engine.access.Access`."""
    size, both = z.slots * z.width, z.heads * z.nearest
    dmemory = floats(work, call.dmemory0)
    if call.dmemory1 != 0:
        copy(floats(work, call.dmemory1), b * size, dmemory, b * size, size)
    else:
        clear(dmemory, b * size, size)
    if call.start != 0:
        again = another(call, call.start)
        if again.dmemory0 != 0:
            clear(floats(work, again.dmemory0), b * size, size)
    if call.dread_weights1 != 0:
        copy(floats(work, call.dread_weights1), b * both, work, dnotes + z.focus, both)


@helper
def store_slopes(call, z, b, work, slopes, dnotes):
    """Bring out the gradient of one sequence's first state, where it is asked for. See `engine.access.Access`."""
    both = z.heads * z.nearest
    if call.dread_weights0 != 0:
        copy(work, dnotes + z.focus, floats(work, call.dread_weights0), b * both, both)
    if call.dread_slots0 != 0:
        clear(floats(work, call.dread_slots0), b * both, both)
    if call.dage0 != 0:
        clear(floats(work, call.dage0), b * z.slots, z.slots)
    if call.dused0 != 0:
        clear(floats(work, call.dused0), b, 1)
    if call.dlinks0 != 0:
        size = 4 * z.heads * z.slots * z.links
        clear(floats(work, call.dlinks0), b * size, size)
    if call.dprecedence0 != 0:
        clear(floats(work, call.dprecedence0), b * 2 * z.heads * z.links, 2 * z.heads * z.links)


@helper
def read_backward(z, head, work, saved, after, dmemory, d0, dnotes, dread):
    """Backward of one head's reading: to its focus, and to the rows that it read."""
    keep_apart()
    width = z.width
    for j in range(head * z.nearest, (head + 1) * z.nearest):
        row, place, share = (
            after + z.seen_rows + j * width,
            d0 + int(saved[after + j]) * width,
            saved[after + z.focus + j],
        )
        work[dnotes + z.focus + j] += dot(saved, row, work, dread, width)
        for w in range(width):
            dmemory[place + w] += share * work[dread + w]


@helper
def match_backward(z, head, work, saved, p, after, dmemory, d0, dsame, dparameters, scratch):
    """Backward of how much one head's key matches its nearest rows: to key and strength, and to these rows."""
    keep_apart()
    width, count, key = z.width, z.nearest, p + head * z.width
    same = after + z.same + head * count
    seen, slots = after + z.same_rows + head * count * width, after + z.same_slots + head * count
    cosines, inverses = scratch, scratch + count
    strength, dkey = saved[p + z.strength + head], dparameters + head * width
    scale = inverse_norm(dot(saved, key, saved, key, width))
    mean = 0.0
    for j in range(count):
        row = seen + j * width
        inverse = inverse_norm(dot(saved, row, saved, row, width))
        work[inverses + j] = inverse
        work[cosines + j] = dot(saved, row, saved, key, width) * inverse * scale
        mean += saved[same + j] * work[dsame + j]
    clear(work, dkey, width)
    dstrength, along = 0.0, 0.0
    for j in range(count):
        row, place, share = seen + j * width, d0 + int(saved[slots + j]) * width, saved[same + j]
        inverse, cosine = work[inverses + j], work[cosines + j]
        slope = share * (work[dsame + j] - mean)
        dstrength += slope * cosine
        slope *= strength
        along += slope * cosine
        toward, shorter = slope * inverse * scale, slope * cosine * inverse * inverse
        for w in range(width):
            dmemory[place + w] += toward * saved[key + w] - shorter * saved[row + w]
            work[dkey + w] += toward * saved[row + w]
    along *= scale * scale
    for w in range(width):
        value = saved[key + w]
        work[dkey + w] = (work[dkey + w] - along * value) * (1.0 - value) * (1.0 + value)
    work[dparameters + z.strength + head] = dstrength * softplus_slope(strength)


@helper
def write_backward(z, head, work, saved, p, before, after, dmemory, d0, dnotes, dparameters):
    """Backward of one head's writing: to its gates and what it adds, and to its focus one step before."""
    keep_apart()
    width, count, add = z.width, z.nearest, p + z.add + head * z.width
    alpha, gamma = saved[p + z.write_gate + head], saved[p + z.gate + head]
    dadd, slots = dparameters + z.add + head * width, before + head * count
    focus, dfocus = before + z.focus + head * count, dnotes + z.focus + head * count
    place = d0 + int(saved[after + z.least + head]) * width
    fresh, before_all = dot(dmemory, place, saved, add, width), 0.0
    for w in range(width):
        work[dadd + w] = alpha * (1.0 - gamma) * dmemory[place + w]
    for j in range(count):
        place, share = d0 + int(saved[slots + j]) * width, saved[focus + j]
        slope = dot(dmemory, place, saved, add, width)
        before_all += slope * share
        work[dfocus + j] = alpha * gamma * slope
        for w in range(width):
            work[dadd + w] += alpha * (gamma * share) * dmemory[place + w]
    for w in range(width):
        value = saved[add + w]
        work[dadd + w] *= (1.0 - value) * (1.0 + value)
    dalpha, dgamma = gamma * before_all + (1.0 - gamma) * fresh, alpha * (before_all - fresh)
    work[dparameters + z.write_gate + head] = dalpha * alpha * (1.0 - alpha)
    work[dparameters + z.gate + head] = dgamma * gamma * (1.0 - gamma)


@helper
def backward(call, z, work, old, new, slopes, saved, parameters, before, after, dnotes, dreads, dparameters, scratch):
    """Backward of `step.forward`. See `engine.access.Access`."""
    keep_apart()
    b, size = int(work[old + NUMBER]), z.slots * z.width
    dmemory, d0 = floats(work, call.dmemory0), b * size
    count = z.nearest
    # Behind what a head's own work takes.
    dbefore = scratch + 3 * count
    for head in range(z.heads):
        read_backward(z, head, work, saved, after, dmemory, d0, dnotes, dreads + head * z.width)
        dsame, own = dnotes + z.focus + head * count, 3 * head
        if z.links > 0:
            dfocus, dsame, modes, dmodes = (
                dsame,
                scratch + 2 * count,
                parameters + z.modes + own,
                dparameters + z.modes + own,
            )
            of_before = dbefore + head * count
            mix_backward(z, head, work, saved, modes, before, after, dfocus, dmodes, dsame, of_before)
        match_backward(z, head, work, saved, parameters, after, dmemory, d0, dsame, dparameters, scratch)
    for head in range(z.heads):
        write_backward(z, head, work, saved, parameters, before, after, dmemory, d0, dnotes, dparameters)
        if z.links > 0:
            for j in range(head * count, (head + 1) * count):
                work[dnotes + z.focus + j] += work[dbefore + j]
    for head in range(z.heads):
        clear(dmemory, d0 + int(saved[after + z.least + head]) * z.width, z.width)
    if work[old + PENDING] != 0.0:
        # What comes from behind a start goes to it, and no further.
        if call.start != 0:
            again = another(call, call.start)
            if again.dmemory0 != 0:
                target = floats(work, again.dmemory0)
                for i in range(d0, d0 + size):
                    target[i] += dmemory[i]
        clear(dmemory, d0, size)
