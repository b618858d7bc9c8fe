"""A whole sequence, one step after the other in plain PyTorch: the same loop for every access."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from neuraltape.functional import bit_costs, map_state
from neuraltape.kernels.around import asked_while_traced, check_values, settled
from neuraltape.kernels.reference.cells import controller_step
from neuraltape.kernels.reference.steps import each_step
from neuraltape.kernels.spec import LossResult, MachineSpec, Restart, SequenceResult, Weights

# Those that a compiler asked for: it can follow a look into a dict, and no import.
_found: dict[str, Callable[[Tensor, Any, Any], Any]] = {}


@asked_while_traced
def _find(access: str) -> None:
    _found[access] = import_module(f"neuraltape.kernels.reference.{access}").access_step


def _step_of(access: str) -> Callable[[Tensor, Any, Any], Any]:
    """The memory's part of a step, (raw, state, layout) -> state: `access_step` of the file with the access's name."""
    if torch.compiler.is_compiling():
        # First, as the compiler remembers the dict as it was when it saw it.
        _find(access)
        return _found[access]
    return import_module(f"neuraltape.kernels.reference.{access}").access_step


def access_step(raw: Tensor, state: Any, layout: Any) -> Any:
    """One step of the memory alone.

    Args:
        raw: what the controller emits for the heads, (batch, layout.size).
        state: the access's state before the step.
        layout: how it is divided; its `access` names the scheme.

    Returns:
        The state after the step; its `reads` are what the heads returned.

    Raises:
        ModuleNotFoundError: there is no such access.
    """
    return _step_of(layout.access)(raw, state, layout)


def sequence(
    inputs: Tensor,
    lengths: Tensor | None,
    weights: Weights,
    controller: tuple[Tensor, ...],
    access: Any,
    spec: MachineSpec,
    restart: Restart | None = None,
) -> SequenceResult:
    """A whole sequence through controller and memory.

    Args:
        inputs: (time, batch, input).
        lengths: steps of each sequence, (batch,) int64 from 0 to time; None: all of them. Past its end a sequence's
            inputs are not looked at, its state stays, its outputs are 0.
        weights: the machine's parameters.
        controller: the controller's state before the first step, each (batch, layers, hidden).
        access: the access's state before the first step.
        spec: the machine's sizes.
        restart: where rows begin anew, and with what state: nothing of what was before reaches what comes after, and
            the gradient of what comes after goes to that state. None: nowhere.

    Returns:
        What every step gives to the output layer, and the final state.

    Raises:
        ValueError: a state that names slots that are not there.
    """
    check_values(access)
    count, kind = len(controller), type(access)
    alive, seen = None, [inputs]
    if lengths is not None:
        alive = torch.arange(inputs.shape[0], device=inputs.device).unsqueeze(-1) < lengths
        # What stands in the padding may be NaN; it must not reach a gradient either.
        seen = [inputs.masked_fill(~alive.unsqueeze(-1), 0), alive]
    if restart is not None:
        seen.append(restart.at if alive is None else restart.at & alive)

    def one(carried: Sequence[Tensor], now: Sequence[Tensor]) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        layers, before = tuple(carried[:count]), kind(*carried[count:])
        if restart is not None:
            layers = tuple(map(partial(keep_where, now[-1]), restart.controller, layers))
            before = map_state(partial(keep_where, now[-1]), restart.access, before)
        hidden, layers_after = controller_step(
            torch.cat([now[0], before.reads.flatten(1)], -1), layers, weights.controller, spec.cell, spec.linear_units
        )
        raw = linear(hidden, weights.interface_weight, weights.interface_bias)
        after = _step_of(spec.access)(raw, before, spec.layout)
        row = torch.cat([hidden, after.reads.flatten(1)], -1)
        if lengths is not None:
            row = keep_where(now[1], row, torch.zeros_like(row))
            layers_after = tuple(map(partial(keep_where, now[1]), layers_after, layers))
            after = map_state(partial(keep_where, now[1]), after, before)
        return (*layers_after, *after.parts()), (row,)

    (given,), end = each_step(one, (*controller, *access.parts()), seen)
    return SequenceResult(given, tuple(end[:count]), settled(kind(*end[count:])))


def loss(
    inputs: Tensor,
    lengths: Tensor | None,
    weights: Weights,
    output: tuple[Tensor, Tensor],
    controller: tuple[Tensor, ...],
    access: Any,
    spec: MachineSpec,
    targets: Tensor,
    mask: Tensor | None,
    restart: Restart | None = None,
) -> LossResult:
    """A whole sequence, its output layer, and what the outputs cost where targets are bits.

    Args:
        inputs, lengths, weights, controller, access, spec, restart: as for `sequence`.
        output: weight and bias of the machine's output layer, (output, hidden + read heads * width) and (output,).
        targets: 0 to 1, (time, batch, output), in the precision of the inputs.
        mask: the steps that cost something, (time, batch) bool; None: all. Steps past a sequence's length never do.

    Returns:
        Each sequence's cost, the outputs, and the final state. Gradients go through the costs and the state.
    """
    result = sequence(inputs, lengths, weights, controller, access, spec, restart)
    return loss_of(result, lengths, output, targets, mask)


def loss_of(
    result: SequenceResult,
    lengths: Tensor | None,
    output: tuple[Tensor, Tensor],
    targets: Tensor,
    mask: Tensor | None,
) -> LossResult:
    """What `loss` gives, from a whole sequence's result. Arguments as there."""
    outputs = linear(result.given, *output)
    if lengths is not None:
        alive = torch.arange(outputs.shape[0], device=outputs.device).unsqueeze(-1) < lengths
        outputs, mask = outputs.masked_fill(~alive.unsqueeze(-1), 0), alive if mask is None else mask & alive
    return LossResult(bit_costs(outputs, targets, mask), outputs.detach(), result.controller, result.access)


def step(
    inputs: Tensor,
    weights: Weights,
    output: tuple[Tensor, Tensor],
    controller: tuple[Tensor, ...],
    access: Any,
    spec: MachineSpec,
    *,
    own: bool = False,
) -> tuple[Tensor, tuple[Tensor, ...], Any]:
    """One step of a stream, without gradients.

    Args:
        inputs: (batch, input).
        weights, controller, access, spec: as for `sequence`.
        output: weight and bias of the machine's output layer, (output, hidden + read heads * width) and (output,).
        own: nobody but the caller has the state, and where it grows it has room for the step. Then its tensors may be
            changed and given back; here they never are.

    Returns:
        The output layer's result (batch, output), and the state after the step.
    """
    with torch.no_grad():
        result = sequence(inputs.unsqueeze(0), None, weights, controller, access, spec)
        return linear(result.given[0], *output), result.controller, result.access


def keep_where(alive: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """`new` in the batch rows that are alive, `old` in the others. alive: (batch,) bool; new, old: (batch, ...)."""
    return torch.where(alive.view(-1, *[1] * (new.dim() - 1)), new, old)
