"""The whole sequence for autograd, and the operations that are made of it."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from neuraltape.kernels.around import followed, only_reference, refuse_backward
from neuraltape.kernels.reference import sequence as in_plain_pytorch
from neuraltape.kernels.reference.loop import loss_of
from neuraltape.kernels.spec import STATES, LossResult, MachineSpec, Restart, SequenceResult, Weights
from neuraltape.kernels.triton.engine.access import plan_of
from neuraltape.kernels.triton.engine.checks import check_call, check_tensors, state_shapes
from neuraltape.kernels.triton.engine.run import (
    Saved,
    parts_of,
    sequence_backward,
    sequence_forward,
    state_of,
)
from neuraltape.kernels.triton.engine.trial import tried

_PLAIN = (Tensor, torch.nn.Parameter)


class _Sequence(torch.autograd.Function):
    @staticmethod
    def forward(ctx, lengths, reset, spec, states, inputs, *others):
        # The weights, the state, and with a reset the state with which rows begin anew.
        end = len(others) if reset is None else len(others) - states
        weights, state = list(others[: end - states]), state_of(list(others[end - states : end]), spec)
        start = None if reset is None else state_of(list(others[end:]), spec)
        given, final, saved = sequence_forward(inputs, lengths, reset, weights, state, start, spec, keep=True)
        ctx.save_for_backward(inputs, lengths, reset, *saved, *others[end:], *weights)
        ctx.set_materialize_grads(False)
        ctx.spec, ctx.starts = spec, len(others) - end
        parts = parts_of(final)
        ctx.mark_non_differentiable(*(parts[i] for i in _without_gradient(spec)))
        return given, *parts

    @staticmethod
    def backward(ctx, *slopes):
        refuse_backward(slopes, operator=False)
        spec, kept = ctx.spec, ctx.saved_tensors
        inputs, lengths, reset, *kept = kept
        saved, rest = Saved(*kept[: len(Saved._fields)]), kept[len(Saved._fields) :]
        start = None if reset is None else state_of(rest[: ctx.starts], spec)
        dgiven, *dfinal = slopes
        with torch.no_grad(), torch.autocast(inputs.device.type, enabled=False):
            dinputs, dweights, dstate, dstart = sequence_backward(
                (dgiven, state_of(dfinal, spec)), inputs, lengths, reset, list(rest[ctx.starts :]), start, saved, spec,
                wants_inputs=ctx.needs_input_grad[4],
            )  # fmt: skip
        gradients = [dinputs, *dweights]
        for each in (dstate,) if dstart is None else (dstate, dstart):
            parts = parts_of(each)
            for i in _without_gradient(spec):
                parts[i] = None
            gradients += parts
        if torch.is_grad_enabled():
            # Whatever is computed from them has no derivative.
            places = [i for i, each in enumerate(gradients) if each is not None]
            for i, each in zip(places, _Once.apply(*(gradients[i].requires_grad_() for i in places)), strict=True):
                gradients[i] = each
        return None, None, None, None, *gradients


class _Once(torch.autograd.Function):
    """Gradients as they are; they can't be differentiated again."""

    @staticmethod
    def forward(ctx, *gradients):
        return tuple(each.view_as(each) for each in gradients)

    @staticmethod
    def backward(ctx, *slopes):
        raise NotImplementedError(
            "the triton kernels have no second derivative; use backend='reference' for double backward"
        )


def _without_gradient(spec: MachineSpec) -> list[int]:
    """Places of a state's tensors that have none."""
    access = plan_of(spec.access)
    return [STATES[spec.cell] + access.STATE.names.index(name) for name in access.NO_GRADIENT]


def sequence(
    inputs: Tensor,
    lengths: Tensor | None,
    weights: Weights,
    controller: tuple[Tensor, ...],
    access: Any,
    spec: MachineSpec,
    restart: Restart | None = None,
) -> SequenceResult:
    """A whole sequence through controller and memory: see `neuraltape.kernels.reference.sequence`.

    Under what follows PyTorch's operators, such as torch.compile and torch.func, it is that one: the kernels are no
    operator. There a backend that was named is refused before.
    """
    if followed() or only_reference() is not None or (inputs.dim() == 3 and inputs.shape[1] == 0):
        return in_plain_pytorch(inputs, lengths, weights, controller, access, spec, restart)
    parameters = [*weights.controller, weights.interface_weight, weights.interface_bias]
    state = [*controller, *access.parts()]
    start = [] if restart is None else [*restart.controller, *restart.access.parts()]
    tensors, reset = [inputs, *parameters, *state, *start], None if restart is None else restart.at
    if not all(type(each) in _PLAIN for each in tensors):
        return in_plain_pytorch(inputs, lengths, weights, controller, access, spec, restart)
    # One that was chosen while a compiler traced has not been tried yet. A CPU has Triton's interpreter, for tests.
    if inputs.is_cuda and tried(inputs.device, spec) is not None:
        return in_plain_pytorch(inputs, lengths, weights, controller, access, spec, restart)
    check_call(inputs, lengths, reset, parameters, spec)
    shapes = state_shapes(spec, inputs.shape[1])
    check_tensors(state, shapes, parameters[-1])
    if start:
        check_tensors(start, shapes, parameters[-1])
    with torch.autocast(inputs.device.type, enabled=False):
        if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
            given, *final = _Sequence.apply(lengths, reset, spec, len(state), *tensors)
        else:
            begun = state_of(start, spec) if start else None
            given, last, _ = sequence_forward(
                inputs, lengths, reset, parameters, state_of(state, spec), begun, spec, keep=False
            )
            final = parts_of(last)
    count = STATES[spec.cell]
    return SequenceResult(given, tuple(final[:count]), plan_of(spec.access).STATE(*final[count:]))


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
    """A whole sequence and what its outputs cost: see `neuraltape.kernels.reference.loss`."""
    result = sequence(inputs, lengths, weights, controller, access, spec, restart)
    return loss_of(result, lengths, output, targets, mask)


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
    """One step of a stream, without gradients: see `neuraltape.kernels.reference.step`. It changes no state."""
    with torch.no_grad():
        result = sequence(inputs.unsqueeze(0), None, weights, controller, access, spec)
        return linear(result.given[0], *output), result.controller, result.access
