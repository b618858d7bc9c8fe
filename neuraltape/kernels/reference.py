"""The reference backend: one step after the other in plain PyTorch, calling `functional`. Runs on anything.

Every other backend has these signatures and is tested against these results.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from neuraltape.functional import AccessState, LRUAState, ask_facts, lrua_step
from neuraltape.functional import access_step as access_step
from neuraltape.kernels.reference_hops import learn_hops as learn_hops
from neuraltape.kernels.spec import WEIGHTS_PER_LAYER, Cell, LRUASpec, MachineSpec, SequenceResult, Spec, Weights


def why_not(op: str, device: torch.device, dtype: torch.dtype, spec: Spec) -> None:
    """The reference runs everything, everywhere."""


def lstm_cell(x: Tensor, state: tuple[Tensor, ...], weights: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """One LSTM layer, one step: x (batch, in), state (hidden, cell) -> (hidden, cell); as torch.nn.LSTMCell."""
    hidden, cell = state
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    gates = linear(x, weight_ih, bias_ih) + linear(hidden, weight_hh, bias_hh)
    take, keep, candidate, out = gates.chunk(4, -1)
    cell = keep.sigmoid() * cell + take.sigmoid() * candidate.tanh()
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


# All hops of a memory network.
hops = ask_facts

CELLS = {"lstm": lstm_cell, "gru": gru_cell, "feedforward": feedforward_cell}


def controller_step(
    x: Tensor, state: tuple[Tensor, ...], weights: tuple[Tensor, ...], cell: Cell
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """All layers of a controller, one step.

    Args:
        x: (batch, in): the input and the previous reads.
        state: tensors (batch, layers, hidden): hidden and cell (LSTM), hidden (GRU), none (feed-forward).
        weights: `Weights.controller`.
        cell: which kind of layer.

    Returns:
        The last layer's output (batch, hidden), and the state after the step.
    """
    per_layer = WEIGHTS_PER_LAYER[cell]
    layers = []
    for layer in range(len(weights) // per_layer):
        before = tuple(tensor[:, layer] for tensor in state)
        after = CELLS[cell](x, before, weights[layer * per_layer : (layer + 1) * per_layer])
        x = after[0]
        layers.append(after[: len(state)])
    return x, tuple(torch.stack(tensors, 1) for tensors in zip(*layers, strict=True))


def sequence(
    inputs: Tensor,
    lengths: Tensor | None,
    weights: Weights,
    controller: tuple[Tensor, ...],
    access: AccessState,
    spec: MachineSpec,
) -> SequenceResult:
    """A whole sequence through controller and memory.

    Args:
        inputs: (time, batch, input).
        lengths: steps of each sequence, (batch,) int64 from 1 to time; None: all of them. Past its end a sequence's
            inputs are not looked at, its state stays, its outputs are 0.
        weights: the machine's parameters.
        controller: the controller's state before the first step, each (batch, layers, hidden).
        access: the access's state before the first step.
        spec: the machine's sizes.

    Returns:
        What every step gives to the output layer, and the final state.
    """
    return _all_steps(inputs, lengths, weights, controller, access, spec, access_step)


def lrua_sequence(
    inputs: Tensor,
    lengths: Tensor | None,
    weights: Weights,
    controller: tuple[Tensor, ...],
    access: LRUAState,
    spec: LRUASpec,
) -> SequenceResult:
    """`sequence` for a machine whose access is by least-recently-used writes."""
    return _all_steps(inputs, lengths, weights, controller, access, spec, lrua_step)


def _all_steps(
    inputs: Tensor,
    lengths: Tensor | None,
    weights: Weights,
    controller: tuple[Tensor, ...],
    access: Any,
    spec: MachineSpec | LRUASpec,
    access_step: Callable[[Tensor, Any, Any], Any],
) -> SequenceResult:
    """One step after the other; `access_step` is the memory's part of it."""
    alive = None
    if lengths is not None:
        alive = torch.arange(len(inputs), device=inputs.device).unsqueeze(-1) < lengths
        # What stands in the padding may be NaN; it must not reach a gradient either.
        inputs = inputs.masked_fill(~alive.unsqueeze(-1), 0)
    given = []
    for t, x in enumerate(inputs):
        hidden, controller_next = controller_step(
            torch.cat([x, access.reads.flatten(1)], -1), controller, weights.controller, spec.cell
        )
        raw = linear(hidden, weights.interface_weight, weights.interface_bias)
        access_next = access_step(raw, access, spec.layout)
        row = torch.cat([hidden, access_next.reads.flatten(1)], -1)
        if alive is not None:
            now = alive[t]
            row = keep_where(now, row, torch.zeros_like(row))
            controller_next = tuple(map(lambda new, old: keep_where(now, new, old), controller_next, controller))
            access_next = type(access)(
                *(keep_where(now, new, old) for new, old in zip(access_next, access, strict=True))
            )
        controller, access = controller_next, access_next
        given.append(row)
    return SequenceResult(torch.stack(given), controller, access)


def step(
    inputs: Tensor,
    weights: Weights,
    output: tuple[Tensor, Tensor],
    controller: tuple[Tensor, ...],
    access: AccessState,
    spec: MachineSpec,
) -> tuple[Tensor, tuple[Tensor, ...], AccessState]:
    """One step of a stream, without gradients.

    Args:
        inputs: (batch, input).
        weights, controller, access, spec: as for `sequence`.
        output: weight and bias of the machine's output layer, (output, hidden + read heads * width) and (output,).

    Returns:
        The output layer's result (batch, output), and the state after the step.
    """
    with torch.no_grad():
        result = sequence(inputs.unsqueeze(0), None, weights, controller, access, spec)
        return linear(result.given[0], *output), result.controller, result.access


def keep_where(alive: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """`new` in the batch rows that are alive, `old` in the others. alive: (batch,) bool; new, old: (batch, ...)."""
    return torch.where(alive.view(-1, *[1] * (new.dim() - 1)), new, old)
