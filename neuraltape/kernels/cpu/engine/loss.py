"""A whole sequence, its output layer and what the outputs cost, as one node for autograd.

As nodes of their own the layer and its cost would take as long as a short sequence.
"""

from typing import Any

import torch
from torch import Tensor

from neuraltape.kernels.around import refuse_backward
from neuraltape.kernels.cpu.engine.access import named
from neuraltape.kernels.cpu.engine.run import Bits, sequence_backward, sequence_forward
from neuraltape.kernels.cpu.engine.sequence import CONTROLLER, refuse
from neuraltape.kernels.spec import STATES, LossResult, MachineSpec, Restart, Weights


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, lengths, reset, bits, spec, states, inputs, *others):
        # The weights, the state, and with a reset the state with which rows begin anew.
        end = len(others) if reset is None else len(others) - states
        weights, state, start = list(others[: end - states]), list(others[end - states : end]), others[end:]
        given, final, saved, paid = sequence_forward(
            inputs, lengths, weights, state, spec, keep=True, reset=reset, start=start, bits=bits
        )
        costs, outputs, residuals = paid
        ctx.save_for_backward(inputs, lengths, reset, state[-1], given, saved, residuals)
        ctx.set_materialize_grads(False)
        access = named(spec.access)
        flat = zip(access.state.names, final[CONTROLLER:], strict=True)
        ctx.mark_non_differentiable(outputs, *(tensor for name, tensor in flat if name in access.no_gradient))
        ctx.spec, ctx.first = spec, end - states
        return costs, outputs, *final

    @staticmethod
    def backward(ctx, *slopes):
        dcosts, _, *slopes = slopes
        refuse_backward((dcosts, *slopes), operator=False)
        wants = ctx.needs_input_grad[5:]
        inputs, lengths, reset, reads0, given, saved, residuals = ctx.saved_tensors
        if dcosts is None:
            dcosts = inputs.new_zeros(inputs.shape[1])
        wanted = (wants[0], *wants[1 + ctx.first :])
        with torch.no_grad():
            dinputs, dweights, dstate = sequence_backward(
                (None, *slopes), inputs, lengths, reads0, given, saved, ctx.spec, wanted=wanted, reset=reset,
                paid=(residuals, dcosts),
            )  # fmt: skip
        gradients = [dinputs, *dweights, *dstate]
        if torch.is_grad_enabled():
            # Whatever is computed from them has no derivative, whether or not that of the costs has a history.
            places = [i for i, each in enumerate(gradients) if each is not None]
            found = _Once.apply(*(gradients[i].requires_grad_() for i in places))
            for i, each in zip(places, found, strict=True):
                gradients[i] = each
        return None, None, None, None, None, *gradients


class _Once(torch.autograd.Function):
    """Gradients as they are; they can't be differentiated again."""

    @staticmethod
    def forward(ctx, *gradients):
        return tuple(each.view_as(each) for each in gradients)

    backward = staticmethod(refuse)


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
    missing, plug, came = CONTROLLER - len(controller), named(spec.access), access
    if plug.enter is not None:
        spec, access, restart = plug.enter(spec, access, restart, len(inputs))
    empty = [inputs.new_empty(0)] * missing if missing > 0 else []
    state = [*controller, *empty, *access.parts()]
    given = [inputs, *weights.controller, weights.interface_weight, weights.interface_bias, *output, *state]
    reset = None
    if restart is not None:
        reset = restart.at
        given += [*restart.controller, *empty, *restart.access.parts()]
    costs, outputs, *final = _Loss.apply(lengths, reset, Bits(targets, mask), spec, len(state), *given)
    last = plug.leave(plug.state(*final[CONTROLLER:]), came)
    return LossResult(costs, outputs, tuple(final[: STATES[spec.cell]]), last)
