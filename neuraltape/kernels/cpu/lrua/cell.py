"""The LSTM's gates of a batch at one step, forward and backward, in torch.nn's order. The products are PyTorch's."""

from neuraltape.kernels.cpu.lib.compiler import kernel
from neuraltape.kernels.cpu.lib.simd import copy, floats, integers, load, multiply_add, sigmoid, splat, store, tanh
from neuraltape.kernels.cpu.lrua.job import parts


@kernel
def lstm_forward(job):
    """New cell and hidden states; the gates are activated in place.

    The job's table: the step; addresses of lengths (B,); gates (T, B, 4 hidden), cells (T + 1, B, hidden), seen
    (T + 1, B, ld_seen).
    """
    z, table, room = parts(job)
    time, lengths = table[0], integers(table[1])
    gates = floats(room, table[2])
    cells = floats(room, table[3])
    seen = floats(room, table[4])
    size, vector = z.hidden, z.vector
    for b in range(z.batch):
        row = time * z.batch + b
        gate, before, after = row * 4 * size, row * size, (row + z.batch) * size
        hidden = (row + z.batch) * z.ld_seen + z.reads
        if time >= lengths[b]:
            copy(cells, before, cells, after, size)
            copy(seen, hidden - z.batch * z.ld_seen, seen, hidden, size)
            continue
        for u in range(0, size, vector):
            take, keep = sigmoid(load(gates, gate + u)), sigmoid(load(gates, gate + size + u))
            candidate, out = tanh(load(gates, gate + 2 * size + u)), sigmoid(load(gates, gate + 3 * size + u))
            value = multiply_add(keep, load(cells, before + u), take * candidate)
            store(cells, after + u, value)
            store(seen, hidden + u, out * tanh(value))
            store(gates, gate + u, take)
            store(gates, gate + size + u, keep)
            store(gates, gate + 2 * size + u, candidate)
            store(gates, gate + 3 * size + u, out)


@kernel
def lstm_backward(job):
    """Gradients of the gates before their activation, and of the cell state before the step.

    The job's table: the step; addresses of lengths, gates, cells as for `lstm_forward`; dhidden (B, hidden); dcell
    (B, hidden), changed in place; dgates (T, B, 4 hidden).
    """
    z, table, room = parts(job)
    time, lengths = table[0], integers(table[1])
    gates = floats(room, table[2])
    cells = floats(room, table[3])
    dhidden = floats(room, table[4])
    dcell = floats(room, table[5])
    dgates = floats(room, table[6])
    size, vector = z.hidden, z.vector
    nothing = splat(gates, 0.0)
    for b in range(z.batch):
        row = time * z.batch + b
        gate, before, after = row * 4 * size, row * size, (row + z.batch) * size
        if time >= lengths[b]:
            for u in range(0, 4 * size, vector):
                store(dgates, gate + u, nothing)
            continue
        for u in range(0, size, vector):
            take, keep = load(gates, gate + u), load(gates, gate + size + u)
            candidate, out = load(gates, gate + 2 * size + u), load(gates, gate + 3 * size + u)
            squashed, slope = tanh(load(cells, after + u)), load(dhidden, b * size + u)
            through = slope * out
            dvalue = load(dcell, b * size + u) + through * (1.0 - squashed * squashed)
            store(dcell, b * size + u, dvalue * keep)
            store(dgates, gate + u, dvalue * candidate * take * (1.0 - take))
            store(dgates, gate + size + u, dvalue * load(cells, before + u) * keep * (1.0 - keep))
            store(dgates, gate + 2 * size + u, dvalue * take * (1.0 - candidate * candidate))
            store(dgates, gate + 3 * size + u, slope * squashed * out * (1.0 - out))
