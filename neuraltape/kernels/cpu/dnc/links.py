"""The order of writing, forward and backward: links, precedence, and where links lead. See README.md."""

from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import keep_apart, load, multiply_add, splat, store, total


@helper
def update_links(z, work, old, new, saved, focus):
    """Links and precedence after a write. `old` and `new`, places of the memory, may be the same."""
    keep_apart()
    last, vector = old + z.precedence, z.vector
    for i in range(z.slots):
        mine, row = saved[focus + i], z.link + i * z.padded
        for tile in range(z.tiles):
            place = row + tile * vector
            left = 1.0 - mine - load(saved, focus + tile * vector)
            came = load(work, last + tile * vector) * mine
            store(work, new + place, multiply_add(left, load(work, old + place), came))
        work[new + row + i] = 0.0
    summed = splat(work, 0.0)
    for tile in range(z.tiles):
        summed = summed + load(saved, focus + tile * vector)
    left = 1.0 - total(summed)
    for tile in range(z.tiles):
        place = z.precedence + tile * vector
        value = multiply_add(load(work, old + place), left, load(saved, focus + tile * vector))
        store(work, new + place, value)


@helper
def follow(z, work, memory, saved, before, after):
    """Where the links lead from the read weights before, backward and forward, into the notes."""
    keep_apart()
    vector = z.vector
    for head in range(z.reading):
        weights, back, on = before + head * z.padded, after + z.back + head * z.padded, after + z.on + head * z.padded
        for tile in range(z.tiles):
            store(saved, back + tile * vector, splat(work, 0.0))
            store(saved, on + tile * vector, splat(work, 0.0))
        for i in range(z.slots):
            mine, row, summed = saved[weights + i], memory + z.link + i * z.padded, splat(work, 0.0)
            for tile in range(z.tiles):
                linked = load(work, row + tile * vector)
                summed = multiply_add(linked, load(saved, weights + tile * vector), summed)
                store(saved, back + tile * vector, multiply_add(linked, mine, load(saved, back + tile * vector)))
            saved[on + i] = total(summed)


@helper
def choose_modes(z, work, saved, p, after):
    """Read weights from what the links lead to and what the keys match."""
    keep_apart()
    for head in range(z.reading):
        modes = p + z.modes + 3 * head
        for tile in range(z.tiles):
            place = after + head * z.padded + tile * z.vector
            focus = load(saved, place + z.back) * saved[modes]
            focus = multiply_add(load(saved, place + z.alike), saved[modes + 1], focus)
            store(saved, place, multiply_add(load(saved, place + z.on), saved[modes + 2], focus))


@helper
def modes_backward(z, work, saved, p, after, dweights, dback, dalike, don, dparameters):
    """Backward of `choose_modes`. Sets the gradients of the raw modes; dback, dalike, don: places in `work`."""
    keep_apart()
    for head in range(z.reading):
        modes, slopes = p + z.modes + 3 * head, dparameters + z.modes + 3 * head
        back, alike, on = splat(work, 0.0), splat(work, 0.0), splat(work, 0.0)
        for tile in range(z.tiles):
            spot = head * z.padded + tile * z.vector
            slope = load(work, dweights + spot)
            back = multiply_add(slope, load(saved, after + z.back + spot), back)
            alike = multiply_add(slope, load(saved, after + z.alike + spot), alike)
            on = multiply_add(slope, load(saved, after + z.on + spot), on)
            store(work, dback + spot, slope * saved[modes])
            store(work, dalike + spot, slope * saved[modes + 1])
            store(work, don + spot, slope * saved[modes + 2])
        first, second, third = total(back), total(alike), total(on)
        mean = saved[modes] * first + saved[modes + 1] * second + saved[modes + 2] * third
        work[slopes] = saved[modes] * (first - mean)
        work[slopes + 1] = saved[modes + 1] * (second - mean)
        work[slopes + 2] = saved[modes + 2] * (third - mean)


@helper
def links_backward(z, work, old, new, slopes, saved, before, focus, dback, don, dweights, dfocus):
    """Backward of `update_links` and `follow`.

    The gradients of links and precedence, at `slopes`, become those before the step; adds to those of the read weights
    before, at `dweights`, and of the write weights, at `dfocus`.
    """
    keep_apart()
    vector, last, dlast = z.vector, old + z.precedence, slopes + z.precedence
    summed, dot = splat(work, 0.0), splat(work, 0.0)
    for tile in range(z.tiles):
        place = tile * vector
        summed = summed + load(saved, focus + place)
        dot = multiply_add(load(work, dlast + place), load(work, last + place), dot)
    left, along = 1.0 - total(summed), total(dot)
    for tile in range(z.tiles):
        place = tile * vector
        slope = load(work, dlast + place)
        store(work, dfocus + place, load(work, dfocus + place) + slope - along)
        store(work, dlast + place, slope * left)
    for i in range(z.slots):
        row, mine = z.link + i * z.padded, saved[focus + i]
        for head in range(z.reading):
            weights, their = before + head * z.padded, head * z.padded
            read, forward, summed = saved[weights + i], work[don + their + i], splat(work, 0.0)
            for tile in range(z.tiles):
                place = tile * vector
                linked, behind = load(work, new + row + place), load(work, dback + their + place)
                summed = multiply_add(linked, behind, summed)
                spot = dweights + their + place
                store(work, spot, multiply_add(linked, forward, load(work, spot)))
                slope = multiply_add(behind, read, load(work, slopes + row + place))
                slope = multiply_add(load(saved, weights + place), forward, slope)
                store(work, slopes + row + place, slope)
            work[dweights + their + i] += total(summed)
        # Nothing is linked to itself.
        work[slopes + row + i] = 0.0
        summed = splat(work, 0.0)
        for tile in range(z.tiles):
            place = tile * vector
            slope, linked = load(work, slopes + row + place), load(work, old + row + place)
            summed = multiply_add(slope, load(work, last + place) - linked, summed)
            store(work, dfocus + place, load(work, dfocus + place) - slope * linked)
            store(work, dlast + place, multiply_add(slope, mine, load(work, dlast + place)))
            store(work, slopes + row + place, slope * (1.0 - mine - load(saved, focus + place)))
        work[dfocus + i] += total(summed)
