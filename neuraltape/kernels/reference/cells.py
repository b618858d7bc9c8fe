"""The controllers' layers in plain PyTorch, one step."""

from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import linear

from neuraltape.kernels.spec import WEIGHTS_PER_LAYER, Cell


def lstm_cell(
    x: Tensor, state: tuple[Tensor, ...], weights: tuple[Tensor, ...], linear_units: int = 0
) -> tuple[Tensor, ...]:
    """One LSTM layer, one step: x (batch, in), state (hidden, cell) -> (hidden, cell); as torch.nn.LSTMCell.

    The first `linear_units` units have the identity in place of the candidate's tanh: c_t = f c_{t-1} + i g, with g the
    candidate's product as it is.
    """
    hidden, cell = state
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    gates = linear(x, weight_ih, bias_ih) + linear(hidden, weight_hh, bias_hh)
    take, keep, candidate, out = gates.chunk(4, -1)
    cell = keep.sigmoid() * cell + take.sigmoid() * _squashed(candidate, linear_units)
    return out.sigmoid() * cell.tanh(), cell


def gru_cell(x: Tensor, state: tuple[Tensor, ...], weights: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """One GRU layer, one step: x (batch, in), state (hidden,) -> (hidden,). Equations of torch.nn.GRUCell."""
    (hidden,) = state
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    reset_x, update_x, candidate_x = linear(x, weight_ih, bias_ih).chunk(3, -1)
    reset_h, update_h, candidate_h = linear(hidden, weight_hh, bias_hh).chunk(3, -1)
    update = (update_x + update_h).sigmoid()
    candidate = (candidate_x + (reset_x + reset_h).sigmoid() * candidate_h).tanh()
    return ((1 - update) * candidate + update * hidden,)


def feedforward_cell(x: Tensor, state: tuple[Tensor, ...], weights: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """One feed-forward layer: x (batch, in) -> tanh(W x + b), in a tuple. `state` is empty."""
    weight, bias = weights
    return (linear(x, weight, bias).tanh(),)


def _squashed(values: Tensor, linear_units: int) -> Tensor:
    if linear_units == 0:
        return values.tanh()
    return torch.cat([values[:, :linear_units], values[:, linear_units:].tanh()], -1)


CELLS = {"lstm": lstm_cell, "gru": gru_cell, "feedforward": feedforward_cell}


def controller_step(
    x: Tensor, state: tuple[Tensor, ...], weights: tuple[Tensor, ...], cell: Cell, linear_units: int = 0
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """All layers of a controller, one step.

    Args:
        x: (batch, in): the input and the previous reads.
        state: tensors (batch, layers, hidden): hidden and cell (LSTM), hidden (GRU), none (feed-forward).
        weights: `Weights.controller`.
        cell: which kind of layer.
        linear_units: LSTM: so many units of each layer, the first, take their candidate as it is.

    Returns:
        The last layer's output (batch, hidden), and the state after the step.
    """
    per_layer = WEIGHTS_PER_LAYER[cell]
    step = partial(lstm_cell, linear_units=linear_units) if linear_units else CELLS[cell]
    layers = []
    for layer in range(len(weights) // per_layer):
        before = tuple(tensor[:, layer] for tensor in state)
        after = step(x, before, weights[layer * per_layer : (layer + 1) * per_layer])
        x = after[0]
        layers.append(after[: len(state)])
    return x, tuple(torch.stack(tensors, 1) for tensors in zip(*layers, strict=True))
