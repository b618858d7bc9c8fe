"""One step of one sequence, backward. Equations: README.md."""

from neuraltape.kernels.cpu.lib.activations import softplus_slope
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.products import along_rows, over_slots
from neuraltape.kernels.cpu.lib.simd import floats, keep_apart, load, multiply_add, splat, store, total
from neuraltape.kernels.cpu.lib.tiles import load_tiles, load_weights, store_tiles, store_weights
from neuraltape.kernels.cpu.lrua.memory import clear, inverse_length, spread_slopes, where_to_write


@helper
def load_slopes(call, z, b, work, slopes, dnotes):
    """Bring in the gradient of one sequence's last state, where there is one. See `engine.access.Access`."""
    if call.dmemory1 != 0:
        source = floats(work, call.dmemory1)
        load_tiles(source, b * z.slots * z.width, work, slopes, z.slots, z.tiles, z.width, z.vector)
    if call.dread_weights1 != 0:
        load_weights(floats(work, call.dread_weights1), b * z.heads * z.slots, work, dnotes, z.heads, z)


@helper
def store_slopes(call, z, b, work, slopes, dnotes):
    """Bring out the gradient of one sequence's first state, where it is asked for. See `engine.access.Access`."""
    if call.dmemory0 != 0:
        target = floats(work, call.dmemory0)
        store_tiles(work, slopes, target, b * z.slots * z.width, z.slots, z.tiles, z.width, z.vector)
    if call.dread_weights0 != 0:
        store_weights(work, dnotes, floats(work, call.dread_weights0), b * z.heads * z.slots, z.heads, z)
    if call.dusage0 != 0:
        target = floats(work, call.dusage0)
        for i in range(b * z.slots, (b + 1) * z.slots):
            target[i] = 0.0


@helper
def content_backward(z, work, new, saved, p, after, dweights, dparameters, score, focus, shrink):
    """From the gradient of the read weights to that of keys and strengths, as far as the products with the rows.

    dweights: place of that gradient. score, shrink: as in `backward`; focus: receives the products' gradient.
    """
    keep_apart()
    tiles, width, vector = z.tiles, z.width, z.vector
    along_rows(work, new, saved, p, z.heads, work, score, False, tiles, width, vector)
    for tile in range(tiles):
        store(work, shrink + tile * vector, splat(work, 0.0))
    for head in range(z.heads):
        key, strength = p + head * width, saved[p + z.strength + head]
        scale, mean = inverse_length(saved, key, width), splat(work, 0.0)
        for tile in range(tiles):
            place = head * z.padded + tile * vector
            mean = multiply_add(load(saved, after + place), load(work, dweights + place), mean)
        average, dstrength = total(mean), splat(work, 0.0)
        for tile in range(tiles):
            place = head * z.padded + tile * vector
            slope = load(saved, after + place) * (load(work, dweights + place) - average)
            inverse = load(work, new + (tile * (width + 1) + width) * vector)
            alike = load(work, score + place) * inverse * scale
            dstrength = multiply_add(slope, alike, dstrength)
            slope = slope * strength
            store(work, focus + place, slope * inverse * scale)
            smaller = slope * alike * inverse * inverse
            store(work, shrink + tile * vector, load(work, shrink + tile * vector) + smaller)
        summed = total(dstrength)
        work[dparameters + z.strength + head] = summed * softplus_slope(strength)
        for i in range(width):
            work[dparameters + head * width + i] = -saved[key + i] * scale * scale * strength * summed


@helper
def backward(call, z, work, old, new, slopes, saved, parameters, before, after, dnotes, dreads, dparameters, scratch):
    """Backward of `step.forward`. See `engine.access.Access`."""
    keep_apart()
    vector, tiles, width, heads, p = z.vector, z.tiles, z.width, z.heads, parameters
    score, focus = scratch, scratch + heads * z.padded
    written, shrink, least = focus + heads * z.padded, scratch + 3 * heads * z.padded, after + z.least
    along_rows(work, new, work, dreads, heads, work, dnotes, True, tiles, width, vector)
    content_backward(z, work, new, saved, p, after, dnotes, dparameters, score, focus, shrink)
    over_slots(work, new, work, focus, heads, work, dparameters, True, tiles, width, vector)
    spread_slopes(
        work, new, work, slopes, work, shrink, focus, saved, p, saved, after, work, dreads, heads, tiles, width, vector
    )
    where_to_write(saved, before, saved, p + z.gate, saved, least, work, written, heads, tiles, vector)
    over_slots(work, slopes, work, written, heads, work, dparameters + z.add, False, tiles, width, vector)
    along_rows(work, slopes, saved, p + z.add, heads, work, written, False, tiles, width, vector)
    clear(work, slopes, saved, least, heads, width, vector)
    for head in range(heads):
        gate, summed = saved[p + z.gate + head], splat(work, 0.0)
        for tile in range(tiles):
            place = head * z.padded + tile * vector
            slope = load(work, written + place)
            summed = multiply_add(slope, load(saved, before + place), summed)
            store(work, dnotes + place, slope * gate)
        dgate = total(summed) - work[written + head * z.padded + int(saved[least + head])]
        work[dparameters + z.gate + head] = dgate * gate * (1.0 - gate)
    for i in range(z.strength):
        work[dparameters + i] *= (1.0 - saved[p + i]) * (1.0 + saved[p + i])
    for i in range(z.add, z.parameters):
        work[dparameters + i] *= (1.0 - saved[p + i]) * (1.0 + saved[p + i])
