"""The whole sequence as a PyTorch operator: fake kernel for torch.compile, autograd, autocast."""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from neuraltape.kernels.cpu.engine.access import named
from neuraltape.kernels.cpu.engine.checks import state_shapes, weight_shapes
from neuraltape.kernels.cpu.engine.plan import places
from neuraltape.kernels.cpu.engine.run import sequence_backward, sequence_forward
from neuraltape.kernels.cpu.lib.checks import PLAIN
from neuraltape.kernels.cpu.lib.vector import VECTOR_BYTES
from neuraltape.kernels.spec import STATES, MachineSpec, SequenceResult, Weights

# The controller's tensors of a state: hidden and cell, empty where the cell has none. The access's follow.
CONTROLLER = 2

NO_SECOND_DERIVATIVE = "the cpu kernels have no second derivative; use backend='reference' for double backward"


def _numbers(spec: MachineSpec) -> list[float]:
    """A spec as an operator can take it, beside its names."""
    sizes = [spec.input_size, spec.hidden_size, spec.layers, spec.slots]
    return [*sizes, *named(spec.access).to_numbers(spec.layout)]


@lru_cache(maxsize=256)
def _spec(access: str, cell: Any, numbers: tuple[float, ...]) -> MachineSpec:
    layout = named(access).from_numbers(numbers[4:])
    inputs, hidden, layers, slots = (int(number) for number in numbers[:4])
    return MachineSpec(access, cell, inputs, hidden, layers, slots, layout)


@torch.library.custom_op("neuraltape::sequence", mutates_args=(), device_types="cpu")
def _forward(
    inputs: Tensor,
    lengths: Tensor | None,
    weights: list[Tensor],
    state: list[Tensor],
    access: str,
    cell: str,
    numbers: list[float],
    keep: bool,
) -> list[Tensor]:
    spec = _spec(access, cell, tuple(numbers))
    given, final, saved = sequence_forward(inputs, lengths, weights, state, spec, keep=keep)
    return [given, *final, saved]


@torch.library.register_fake("neuraltape::sequence")
def _(inputs, lengths, weights, state, access, cell, numbers, keep):
    spec = _spec(access, cell, tuple(numbers))
    time, batch = inputs.shape[:2]
    z = places.__wrapped__(spec, time, batch, VECTOR_BYTES // inputs.element_size(), keep=keep).engine
    given = inputs.new_empty(time, batch, z.hidden + z.reads)
    final = [inputs.new_empty(tensor.shape) for tensor in state]
    return [given, *final, inputs.new_empty(z.saved_size)]


@torch.library.custom_op("neuraltape::sequence_backward", mutates_args=(), device_types="cpu")
def _backward(
    slopes: list[Tensor | None],
    inputs: Tensor,
    lengths: Tensor | None,
    reads0: Tensor,
    given: Tensor,
    saved: Tensor,
    access: str,
    cell: str,
    numbers: list[float],
    wants_inputs: bool,
) -> list[Tensor]:
    spec, wanted = _spec(access, cell, tuple(numbers)), (wants_inputs, *[True] * (len(slopes) - 1))
    dinputs, dweights, dstate = sequence_backward(slopes, inputs, lengths, reads0, given, saved, spec, wanted=wanted)
    # An operator's result is a tensor, wanted or not.
    dinputs = torch.zeros_like(inputs) if dinputs is None else dinputs
    return [each for each in (dinputs, *dweights, *dstate) if each is not None]


@torch.library.register_fake("neuraltape::sequence_backward")
def _(slopes, inputs, lengths, reads0, given, saved, access, cell, numbers, wants_inputs):
    spec = _spec(access, cell, tuple(numbers))
    # Not the cached one: under torch.compile the batch may be a symbol, which has no hash.
    shapes = [shape for _, shape in (*weight_shapes(spec), *state_shapes.__wrapped__(spec, inputs.shape[1]))]
    return [torch.empty_like(inputs), *(inputs.new_empty(shape) for shape in shapes)]


def _setup(ctx, inputs, output):
    x, lengths, _, state, access, cell, numbers, keep = inputs
    ctx.save_for_backward(x, lengths, state[-1], output[0], output[-1])
    ctx.set_materialize_grads(False)
    ctx.access, ctx.cell, ctx.numbers, ctx.keep, ctx.states = access, cell, numbers, keep, len(state)


def _differentiate(ctx, slopes):
    if not ctx.keep:
        raise RuntimeError("this result was made for no gradient; call the sequence with gradients enabled")
    gradients = torch.ops.neuraltape.sequence_backward(
        slopes[:-1], *ctx.saved_tensors, ctx.access, ctx.cell, ctx.numbers, ctx.needs_input_grad[0]
    )
    dinputs = gradients[0] if ctx.needs_input_grad[0] else None
    return dinputs, None, gradients[1 : -ctx.states], gradients[-ctx.states :], None, None, None, None


def refuse(ctx, *slopes):
    """Autograd of a backward pass."""
    raise NotImplementedError(NO_SECOND_DERIVATIVE)


torch.library.register_autograd("neuraltape::sequence", _differentiate, setup_context=_setup)
torch.library.register_autograd("neuraltape::sequence_backward", refuse)
torch.library.register_autocast("neuraltape::sequence", "cpu", torch.float32)


class _Eager(torch.autograd.Function):
    """The same derivative without the operator: its bookkeeping costs as much as a short sequence."""

    @staticmethod
    def forward(ctx, lengths, spec, states, inputs, *others):
        weights, state = list(others[:-states]), list(others[-states:])
        given, final, saved = sequence_forward(inputs, lengths, weights, state, spec, keep=True)
        ctx.save_for_backward(inputs, lengths, state[-1], given, saved)
        ctx.set_materialize_grads(False)
        access = named(spec.access)
        if access.no_gradient:
            ctx.mark_non_differentiable(
                *(
                    t
                    for name, t in zip(access.state.names, final[CONTROLLER:], strict=True)
                    if name in access.no_gradient
                )
            )
        ctx.spec, ctx.states = spec, states
        return given, *final

    @staticmethod
    def backward(ctx, *slopes):
        wants = ctx.needs_input_grad
        if torch.is_grad_enabled():
            spec = ctx.spec
            dinputs, *rest = torch.ops.neuraltape.sequence_backward(
                slopes, *ctx.saved_tensors, spec.access, spec.cell, _numbers(spec), wants[3]
            )
        else:
            wanted = (wants[3], *wants[-ctx.states :])
            inputs, lengths, reads0, given, saved = ctx.saved_tensors
            dinputs, dweights, dstate = sequence_backward(
                slopes, inputs, lengths, reads0, given, saved, ctx.spec, wanted=wanted
            )
            rest = [*dweights, *dstate]
        return None, None, None, dinputs if wants[3] else None, *rest


def sequence(
    inputs: Tensor,
    lengths: Tensor | None,
    weights: Weights,
    controller: tuple[Tensor, ...],
    access: Any,
    spec: MachineSpec,
) -> SequenceResult:
    """A whole sequence through controller and memory: see `neuraltape.kernels.reference.sequence`."""
    if torch.is_autocast_enabled("cpu"):
        inputs = inputs.to(weights.interface_weight.dtype)
    parameters = [*weights.controller, weights.interface_weight, weights.interface_bias]
    missing = CONTROLLER - len(controller)
    empty = [inputs.new_empty(0)] * missing if missing > 0 else []
    plug = named(spec.access)
    state = [*controller, *empty, *access.parts()]
    tensors = [inputs, *parameters, *state]
    keep = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    if torch.compiler.is_compiling() or any(type(t) not in PLAIN for t in tensors):
        given, *final, _ = torch.ops.neuraltape.sequence(
            inputs, lengths, parameters, state, spec.access, spec.cell, _numbers(spec), keep
        )
    elif keep:
        given, *final = _Eager.apply(lengths, spec, len(state), *tensors)
    else:
        given, final, _ = sequence_forward(inputs, lengths, parameters, state, spec, keep=False)
    return SequenceResult(given, tuple(final[: STATES[spec.cell]]), plug.state(*final[CONTROLLER:]))
