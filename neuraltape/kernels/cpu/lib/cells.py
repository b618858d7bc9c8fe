"""The controllers' cells, one layer of one row: forward, forward again from what was saved, and backward.

Gates lie one after the other, each `hidden` long; whole vectors spill from one into the next. Loops therefore run
from the last vector to the first, and store gate by gate: what was spilled over is written afterwards.
Order of the gates as in torch.nn: LSTM input, forget, candidate, output; GRU reset, update, candidate. The GRU's
candidate has two products here, of the input and of the hidden state, because the reset gate comes between them.
The LSTM's first `linear` units have no tanh around their candidate. A vector may hold units of both kinds.
"""

from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import keep_apart, load, load_some, multiply_add, sigmoid, store, tanh

FEEDFORWARD, GRU, LSTM = 0, 1, 2


@helper
def squash(buffer, place, count, vector):
    """Tanh of a vector, but its first `count` numbers as they are."""
    values = load(buffer, place)
    if count <= 0:
        return tanh(values)
    # The other lanes are 0, and so is their tanh; where a lane is kept, the two tanh are the same.
    kept = load_some(buffer, place, min(count, vector))
    return kept + (tanh(values) - tanh(kept))


@helper
def bend(buffer, place, count, vector):
    """1 - y^2, the slope of tanh from its value, but 1 for the first `count` numbers."""
    values = load(buffer, place)
    if count > 0:
        values = values - load_some(buffer, place, min(count, vector))
    return 1.0 - values * values


@helper
def cell_forward(cell, linear, raw, r0, saved, s0, work, hidden, memory, size, vector):
    """New hidden state (and the LSTM's cell state) from the gates before their activation.

    Args:
        raw, r0: the products. saved, s0: receives activated gates (GRU: reset, update, candidate, hidden product).
        work, with places hidden, memory: hidden state and cell state, changed in place.
    """
    keep_apart()
    for u in range((size - 1) // vector * vector, -1, -vector):
        if cell == LSTM:
            take, keep = sigmoid(load(raw, r0 + u)), sigmoid(load(raw, r0 + size + u))
            candidate, out = squash(raw, r0 + 2 * size + u, linear - u, vector), sigmoid(load(raw, r0 + 3 * size + u))
            store(work, memory + u, multiply_add(keep, load(work, memory + u), take * candidate))
            store(work, hidden + u, out * tanh(load(work, memory + u)))
            store(saved, s0 + u, take)
            store(saved, s0 + size + u, keep)
            store(saved, s0 + 2 * size + u, candidate)
            store(saved, s0 + 3 * size + u, out)
        elif cell == GRU:
            reset, update = sigmoid(load(raw, r0 + u)), sigmoid(load(raw, r0 + size + u))
            product = load(raw, r0 + 3 * size + u)
            candidate = tanh(multiply_add(reset, product, load(raw, r0 + 2 * size + u)))
            before = load(work, hidden + u)
            store(work, hidden + u, multiply_add(update, before - candidate, candidate))
            store(saved, s0 + u, reset)
            store(saved, s0 + size + u, update)
            store(saved, s0 + 2 * size + u, candidate)
            store(saved, s0 + 3 * size + u, product)
        else:
            value = tanh(load(raw, r0 + u))
            store(work, hidden + u, value)
            store(saved, s0 + u, value)


@helper
def cell_replay(cell, saved, s0, work, hidden_before, hidden, memory_before, memory, squashed, size, vector):
    """The states after the step from those before and the saved gates; `squashed` receives tanh of the cell state."""
    keep_apart()
    for u in range(0, size, vector):
        if cell == LSTM:
            take, keep = load(saved, s0 + u), load(saved, s0 + size + u)
            candidate, out = load(saved, s0 + 2 * size + u), load(saved, s0 + 3 * size + u)
            store(work, memory + u, multiply_add(keep, load(work, memory_before + u), take * candidate))
            bounded = tanh(load(work, memory + u))
            store(work, squashed + u, bounded)
            store(work, hidden + u, out * bounded)
        elif cell == GRU:
            update, candidate = load(saved, s0 + size + u), load(saved, s0 + 2 * size + u)
            before = load(work, hidden_before + u)
            store(work, hidden + u, multiply_add(update, before - candidate, candidate))
        else:
            store(work, hidden + u, load(saved, s0 + u))


@helper
def cell_backward(
    cell, linear, saved, s0, work, hidden_before, memory_before, squashed, slope, memory_slope, gates, size, vector
):
    """Gradients of the gates before activation, from that of the hidden state.

    Args:
        saved, s0: as `cell_forward` left it. work: working space with, at these places:
        hidden_before, memory_before: the states before the step; squashed: tanh of the cell state after it;
        slope: gradient of the hidden state after the step, becomes its direct part for the state before (GRU) or 0;
        memory_slope: gradient of the cell state after the step, becomes that before; gates: receives the result.
    """
    keep_apart()
    for u in range((size - 1) // vector * vector, -1, -vector):
        dhidden = load(work, slope + u)
        if cell == LSTM:
            take, keep = load(saved, s0 + u), load(saved, s0 + size + u)
            candidate, out = load(saved, s0 + 2 * size + u), load(saved, s0 + 3 * size + u)
            bounded = load(work, squashed + u)
            dmemory = load(work, memory_slope + u) + dhidden * out * (1.0 - bounded * bounded)
            store(work, memory_slope + u, dmemory * keep)
            store(work, slope + u, dhidden * 0.0)
            store(work, gates + u, dmemory * candidate * take * (1.0 - take))
            store(work, gates + size + u, dmemory * load(work, memory_before + u) * keep * (1.0 - keep))
            store(work, gates + 2 * size + u, dmemory * take * bend(saved, s0 + 2 * size + u, linear - u, vector))
            store(work, gates + 3 * size + u, dhidden * bounded * out * (1.0 - out))
        elif cell == GRU:
            reset, update = load(saved, s0 + u), load(saved, s0 + size + u)
            candidate, product = load(saved, s0 + 2 * size + u), load(saved, s0 + 3 * size + u)
            dcandidate = dhidden * (1.0 - update) * (1.0 - candidate * candidate)
            before = load(work, hidden_before + u)
            store(work, slope + u, dhidden * update)
            store(work, gates + u, dcandidate * product * reset * (1.0 - reset))
            store(work, gates + size + u, dhidden * (before - candidate) * update * (1.0 - update))
            store(work, gates + 2 * size + u, dcandidate)
            store(work, gates + 3 * size + u, dcandidate * reset)
        else:
            value = load(saved, s0 + u)
            store(work, slope + u, dhidden * 0.0)
            store(work, gates + u, dhidden * (1.0 - value * value))
