"""The memory's part of one LRUA step, sequence after sequence, forward and backward. Equations: README.md."""

import math

from neuraltape.kernels.cpu.lib.compiler import kernel
from neuraltape.kernels.cpu.lib.job import task
from neuraltape.kernels.cpu.lib.products import along_rows, over_slots
from neuraltape.kernels.cpu.lib.simd import (
    copy,
    floats,
    integers,
    load,
    multiply_add,
    splat,
    store,
    tanh,
    total,
)
from neuraltape.kernels.cpu.lrua.job import parts
from neuraltape.kernels.cpu.lrua.memory import (
    clear,
    find_least,
    inverse_length,
    spread_slopes,
    where_to_write,
    write_over,
)
from neuraltape.kernels.cpu.ntm.access import softplus, softplus_slope
from neuraltape.kernels.cpu.ntm.heads import softmax_numerators


@kernel
def lrua_forward(job):
    """One step of each sequence, which is a task.

    The room: `Sizes.ld_weights` numbers. The job's table: the step; addresses of lengths (B,); mask (padded,): 0 for
    slots, -inf for the padding; parameters (T, B, ld_parameters), raw, activated in place; memory
    (T + 1, B, ld_memory); read weights (T + 1, B, ld_weights); usage (B, padded), changed in place; seen
    (T + 1, B, ld_seen), receives the reads; similar (T, B, ld_weights), receives the cosines; least (T, B, heads),
    receives the slots that were least used; the decay of usage.
    """
    z, table, work = parts(job)
    time, lengths = table[0], integers(table[1])
    mask = floats(work, table[2])
    parameters = floats(work, table[3])
    memory = floats(work, table[4])
    weights = floats(work, table[5])
    usage = floats(work, table[6])
    seen = floats(work, table[7])
    similar = floats(work, table[8])
    least = integers(table[9])
    decay = floats(work, table[10])[0]
    vector, tiles, width, heads, padded = z.vector, z.tiles, z.width, z.heads, z.padded
    b = task(job)
    while b >= 0:
        row = time * z.batch + b
        after = row + z.batch
        if time >= lengths[b]:
            copy(memory, row * z.ld_memory, memory, after * z.ld_memory, z.ld_memory)
            copy(weights, row * z.ld_weights, weights, after * z.ld_weights, z.ld_weights)
            copy(seen, row * z.ld_seen, seen, after * z.ld_seen, heads * width)
            b = task(job)
            continue
        p, w, score = row * z.ld_parameters, after * z.ld_weights, row * z.ld_weights
        before, m = row * z.ld_memory, after * z.ld_memory
        for i in range(0, z.strength, vector):
            store(parameters, p + i, tanh(load(parameters, p + i)))
        for head in range(heads):
            parameters[p + z.strength + head] = softplus(parameters[p + z.strength + head])
            gate = parameters[p + z.gate + head]
            small = math.exp(-abs(gate))
            parameters[p + z.gate + head] = (1.0 if gate >= 0.0 else small) / (1.0 + small)
        slots = row * heads
        find_least(usage, b * padded, z.slots, least, slots, heads)
        where_to_write(weights, score, parameters, p + z.gate, least, slots, work, 0, heads, tiles, vector)
        write_over(memory, before, m, least, slots, work, 0, parameters, p + z.add, heads, tiles, width, vector)
        along_rows(memory, m, parameters, p, heads, similar, score, False, tiles, width, vector)
        for head in range(heads):
            mine, focus = score + head * padded, w + head * padded
            scale = inverse_length(parameters, p + head * width, width)
            for tile in range(tiles):
                inverse = load(memory, m + (tile * (width + 1) + width) * vector)
                store(similar, mine + tile * vector, load(similar, mine + tile * vector) * inverse * scale)
            strength = parameters[p + z.strength + head]
            one_over_sum = softmax_numerators(similar, mine, strength, mask, weights, focus, tiles, vector)
            for tile in range(tiles):
                store(weights, focus + tile * vector, load(weights, focus + tile * vector) * one_over_sum)
        over_slots(memory, m, weights, w, heads, seen, after * z.ld_seen, False, tiles, width, vector)
        for tile in range(tiles):
            used = splat(usage, 0.0)
            for head in range(heads):
                place = head * padded + tile * vector
                used = used + load(weights, w + place) + load(work, place)
            place = b * padded + tile * vector
            store(usage, place, multiply_add(load(usage, place), decay, used))
        b = task(job)


@kernel
def lrua_backward(job):
    """Backward of `lrua_forward`.

    The room: `2 * Sizes.ld_weights + Sizes.padded` numbers. The job's table: the step; addresses of lengths,
    parameters (activated), memory, weights, similar and least as `lrua_forward` left them; dseen (B, ld_seen): gradient
    of the reads; dmemory (B, ld_memory) and dweights (B, ld_weights), changed in place from those after the step to
    those before; dparameters (T, B, ld_parameters), receives those of the raw parameters.
    """
    z, table, work = parts(job)
    time, lengths = table[0], integers(table[1])
    parameters = floats(work, table[2])
    memory = floats(work, table[3])
    weights = floats(work, table[4])
    similar = floats(work, table[5])
    least = integers(table[6])
    dseen = floats(work, table[7])
    dmemory = floats(work, table[8])
    dweights = floats(work, table[9])
    dparameters = floats(work, table[10])
    vector, tiles, width, heads, padded = z.vector, z.tiles, z.width, z.heads, z.padded
    focus, written, shrink = 0, z.ld_weights, 2 * z.ld_weights
    nothing = splat(work, 0.0)
    b = task(job)
    while b >= 0:
        row = time * z.batch + b
        p, d, dw, dr = row * z.ld_parameters, b * z.ld_memory, b * z.ld_weights, b * z.ld_seen
        for i in range(0, z.ld_parameters, vector):
            store(dparameters, p + i, nothing)
        if time >= lengths[b]:
            b = task(job)
            continue
        m, w, slots = (row + z.batch) * z.ld_memory, (row + z.batch) * z.ld_weights, row * heads
        score = before = row * z.ld_weights
        along_rows(memory, m, dseen, dr, heads, dweights, dw, True, tiles, width, vector)
        copy(dweights, dw, work, focus, z.ld_weights)
        # Content.
        for tile in range(tiles):
            store(work, shrink + tile * vector, nothing)
        for head in range(heads):
            key, strength = p + head * width, parameters[p + z.strength + head]
            scale, mean = inverse_length(parameters, key, width), splat(work, 0.0)
            for tile in range(tiles):
                place = head * padded + tile * vector
                mean = multiply_add(load(weights, w + place), load(work, focus + place), mean)
            average, dstrength = total(mean), splat(work, 0.0)
            for tile in range(tiles):
                place = head * padded + tile * vector
                slope = load(weights, w + place) * (load(work, focus + place) - average)
                alike = load(similar, score + place)
                dstrength = multiply_add(slope, alike, dstrength)
                inverse = load(memory, m + (tile * (width + 1) + width) * vector)
                slope = slope * strength
                store(work, focus + place, slope * inverse * scale)
                smaller = slope * alike * inverse * inverse
                store(work, shrink + tile * vector, load(work, shrink + tile * vector) + smaller)
            summed = total(dstrength)
            dparameters[p + z.strength + head] = summed * softplus_slope(strength)
            for i in range(width):
                dparameters[key + i] = -parameters[key + i] * scale * scale * strength * summed
        over_slots(memory, m, work, focus, heads, dparameters, p, True, tiles, width, vector)
        spread_slopes(
            memory,
            m,
            dmemory,
            d,
            work,
            shrink,
            focus,
            parameters,
            p,
            weights,
            w,
            dseen,
            dr,
            heads,
            tiles,
            width,
            vector,
        )
        # Write.
        where_to_write(weights, before, parameters, p + z.gate, least, slots, work, written, heads, tiles, vector)
        over_slots(dmemory, d, work, written, heads, dparameters, p + z.add, False, tiles, width, vector)
        along_rows(dmemory, d, parameters, p + z.add, heads, work, written, False, tiles, width, vector)
        clear(dmemory, d, least, slots, heads, width, vector)
        for head in range(heads):
            gate, summed = parameters[p + z.gate + head], splat(work, 0.0)
            for tile in range(tiles):
                place = head * padded + tile * vector
                slope = load(work, written + place)
                summed = multiply_add(slope, load(weights, before + place), summed)
                store(dweights, dw + place, slope * gate)
            dgate = total(summed) - work[written + head * padded + least[slots + head]]
            dparameters[p + z.gate + head] = dgate * gate * (1.0 - gate)
        for i in range(0, z.strength, vector):
            value = load(parameters, p + i)
            store(dparameters, p + i, load(dparameters, p + i) * (1.0 - value * value))
        b = task(job)
