"""The controllers' layers, a block of units of one step at a time: activations forward and backward.

A layer's product with its own last output and that with what lies below it come in parts, one an activation: in, keep,
candidate and out (LSTM); reset, update and the candidate's two (GRU); one (feed-forward).
"""

import triton
import triton.language as tl

from neuraltape.kernels.triton.lib.formulas import sigmoid, tanh


@triton.jit
def squashed(x, unit, linear):
    """Tanh of all but the first `linear` units, which stay as they are."""
    return tl.where(unit < linear, x, tanh(x))


@triton.jit
def slope_of_squashed(y, unit, linear):
    """The slope of `squashed`, from its result."""
    return tl.where(unit < linear, 1.0, 1.0 - y * y)


@triton.jit
def lstm(take, keep, candidate, out, cell, unit, linear):
    """Products and the cell before -> activated gates, the cell after and the output."""
    take, keep, out = sigmoid(take), sigmoid(keep), sigmoid(out)
    candidate = squashed(candidate, unit, linear)
    cell = keep * cell + take * candidate
    return take, keep, candidate, out, cell, out * tanh(cell)


@triton.jit
def lstm_backward(take, keep, candidate, out, before, cell, dhidden, dcell, unit, linear):
    """Gradients of the four products, and of the cell before."""
    shown = tanh(cell)
    dcell += dhidden * out * (1.0 - shown * shown)
    dtake = dcell * candidate * take * (1.0 - take)
    dkeep = dcell * before * keep * (1.0 - keep)
    dcandidate = dcell * take * slope_of_squashed(candidate, unit, linear)
    return dtake, dkeep, dcandidate, dhidden * shown * out * (1.0 - out), dcell * keep


@triton.jit
def gru(reset, update, candidate, inner, hidden):
    """Products and the output before -> activated reset, update and candidate, and the output."""
    reset, update = sigmoid(reset), sigmoid(update)
    candidate = tanh(candidate + reset * inner)
    return reset, update, candidate, (1.0 - update) * candidate + update * hidden


@triton.jit
def gru_backward(reset, update, candidate, inner, before, dhidden):
    """Gradients of the four products, and of the output before, but for what comes to it through the products."""
    dcandidate = dhidden * (1.0 - update) * (1.0 - candidate * candidate)
    dreset = dcandidate * inner * reset * (1.0 - reset)
    dupdate = dhidden * (before - candidate) * update * (1.0 - update)
    return dreset, dupdate, dcandidate, dcandidate * reset, dhidden * update
