"""The whole sequence as a PyTorch operator: fake kernel for torch.compile, autograd, autocast."""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from neuraltape.functional import AccessState, InterfaceLayout
from neuraltape.kernels.cpu.engine.checks import PLAIN, check_inputs, check_lengths, state_shapes, weight_shapes
from neuraltape.kernels.cpu.engine.plan import places
from neuraltape.kernels.cpu.engine.run import sequence_backward, sequence_forward
from neuraltape.kernels.cpu.lib.vector import VECTOR_BYTES
from neuraltape.kernels.spec import STATES, MachineSpec, SequenceResult, Weights

# Tensors of the state: hidden and cell (empty where the cell has none), then the four of the access.
_CONTROLLER, _STATE = 2, 6

NO_SECOND_DERIVATIVE = "the cpu kernels have no second derivative; use backend='reference' for double backward"


def _numbers(spec: MachineSpec) -> list[int]:
    """A spec as an operator can take it."""
    layout = spec.layout
    sizes = [spec.input_size, spec.hidden_size, spec.layers, spec.slots]
    return [*sizes, layout.read_heads, layout.write_heads, layout.width, *layout.offsets]


@lru_cache(maxsize=256)
def _spec(cell: Any, numbers: tuple[int, ...]) -> MachineSpec:
    inputs, hidden, layers, slots, reading, writing, width, *offsets = numbers
    return MachineSpec(
        "ntm", cell, inputs, hidden, layers, slots, InterfaceLayout(reading, writing, width, tuple(offsets))
    )


@torch.library.custom_op("neuraltape::sequence", mutates_args=(), device_types="cpu")
def _forward(
    inputs: Tensor,
    lengths: Tensor | None,
    weights: list[Tensor],
    state: list[Tensor],
    cell: str,
    numbers: list[int],
    keep: bool,
) -> list[Tensor]:
    spec = _spec(cell, tuple(numbers))
    given, final, saved = sequence_forward(inputs, lengths, weights, state, spec, keep=keep)
    return [given, *final, saved]


@torch.library.register_fake("neuraltape::sequence")
def _(inputs, lengths, weights, state, cell, numbers, keep):
    spec = _spec(cell, tuple(numbers))
    time, batch = inputs.shape[:2]
    z = places.__wrapped__(spec, time, batch, VECTOR_BYTES // inputs.element_size(), keep=keep)
    given = inputs.new_empty(time, batch, spec.hidden_size + spec.layout.read_heads * spec.layout.width)
    final = [inputs.new_empty(tensor.shape) for tensor in state]
    return [given, *final, inputs.new_empty(z.saved_size)]


@torch.library.custom_op("neuraltape::sequence_backward", mutates_args=(), device_types="cpu")
def _backward(
    dgiven: Tensor | None,
    dhidden1: Tensor | None,
    dcell1: Tensor | None,
    dmemory1: Tensor | None,
    dread1: Tensor | None,
    dwrite1: Tensor | None,
    dreads1: Tensor | None,
    inputs: Tensor,
    lengths: Tensor | None,
    reads0: Tensor,
    given: Tensor,
    saved: Tensor,
    cell: str,
    numbers: list[int],
    wants_inputs: bool,
) -> list[Tensor]:
    slopes = [dgiven, dhidden1, dcell1, dmemory1, dread1, dwrite1, dreads1]
    spec, wanted = _spec(cell, tuple(numbers)), (wants_inputs, *[True] * _STATE)
    dinputs, dweights, dstate = sequence_backward(slopes, inputs, lengths, reads0, given, saved, spec, wanted=wanted)
    # An operator's result is a tensor, wanted or not.
    dinputs = torch.zeros_like(inputs) if dinputs is None else dinputs
    return [each for each in (dinputs, *dweights, *dstate) if each is not None]


@torch.library.register_fake("neuraltape::sequence_backward")
def _(*args):
    *_, inputs, _, _, _, _, cell, numbers, _ = args
    spec = _spec(cell, tuple(numbers))
    shapes = [shape for _, shape in (*weight_shapes(spec), *state_shapes.__wrapped__(spec, inputs.shape[1]))]
    return [torch.empty_like(inputs), *(inputs.new_empty(shape) for shape in shapes)]


def _setup(ctx, inputs, output):
    x, lengths, _, state, cell, numbers, keep = inputs
    ctx.save_for_backward(x, lengths, state[-1], output[0], output[-1])
    ctx.set_materialize_grads(False)
    ctx.cell, ctx.numbers, ctx.keep = cell, numbers, keep


def _differentiate(ctx, slopes):
    if not ctx.keep:
        raise RuntimeError("this result was made for no gradient; call the sequence with gradients enabled")
    gradients = torch.ops.neuraltape.sequence_backward(
        *slopes[:-1], *ctx.saved_tensors, ctx.cell, ctx.numbers, ctx.needs_input_grad[0]
    )
    dinputs = gradients[0] if ctx.needs_input_grad[0] else None
    return dinputs, None, gradients[1:-_STATE], gradients[-_STATE:], None, None, None


def refuse(ctx, *slopes):
    """Autograd of a backward pass."""
    raise NotImplementedError(NO_SECOND_DERIVATIVE)


torch.library.register_autograd("neuraltape::sequence", _differentiate, setup_context=_setup)
torch.library.register_autograd("neuraltape::sequence_backward", refuse)
torch.library.register_autocast("neuraltape::sequence", "cpu", torch.float32)


class _Eager(torch.autograd.Function):
    """The same derivative without the operator: its bookkeeping costs as much as a short sequence."""

    @staticmethod
    def forward(ctx, lengths, spec, inputs, *others):
        count = len(others) - _STATE
        weights, state = list(others[:count]), list(others[count:])
        given, final, saved = sequence_forward(inputs, lengths, weights, state, spec, keep=True)
        ctx.save_for_backward(inputs, lengths, state[-1], given, saved)
        ctx.set_materialize_grads(False)
        ctx.spec = spec
        return given, *final

    @staticmethod
    def backward(ctx, *slopes):
        wants = ctx.needs_input_grad
        if torch.is_grad_enabled():
            numbers = _numbers(ctx.spec)
            dinputs, *rest = torch.ops.neuraltape.sequence_backward(
                *slopes, *ctx.saved_tensors, ctx.spec.cell, numbers, wants[2]
            )
        else:
            wanted = (wants[2], *wants[-_STATE:])
            inputs, lengths, reads0, given, saved = ctx.saved_tensors
            dinputs, dweights, dstate = sequence_backward(
                slopes, inputs, lengths, reads0, given, saved, ctx.spec, wanted=wanted
            )
            rest = [*dweights, *dstate]
        return None, None, dinputs if wants[2] else None, *rest


def sequence(
    inputs: Tensor,
    lengths: Tensor | None,
    weights: Weights,
    controller: tuple[Tensor, ...],
    access: AccessState,
    spec: MachineSpec,
) -> SequenceResult:
    """A whole sequence through controller and memory: see `neuraltape.kernels.reference.sequence`."""
    if torch.is_autocast_enabled("cpu"):
        inputs = inputs.to(weights.interface_weight.dtype)
    parameters = [*weights.controller, weights.interface_weight, weights.interface_bias]
    missing = _CONTROLLER - len(controller)
    state = [*controller, *([inputs.new_empty(0)] * missing if missing > 0 else ()), *access.parts()]
    tensors = [inputs, *parameters, *state]
    traced = torch.compiler.is_compiling() or any(type(t) not in PLAIN for t in tensors)
    if lengths is not None:
        if not traced:
            check_inputs(inputs, spec, weights.interface_weight.dtype)
            check_lengths(lengths, len(inputs), inputs.shape[1])
        alive = torch.arange(len(inputs)).unsqueeze(-1) < lengths
        # What stands in the padding may be NaN, and 0 * NaN is NaN.
        inputs = tensors[0] = inputs.masked_fill(~alive.unsqueeze(-1), 0)
    count = STATES[spec.cell]
    keep = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    if traced:
        given, *final, _ = torch.ops.neuraltape.sequence(
            inputs, lengths, parameters, state, spec.cell, _numbers(spec), keep
        )
    elif keep:
        given, *final = _Eager.apply(lengths, spec, *tensors)
    else:
        given, final, _ = sequence_forward(inputs, lengths, parameters, state, spec, keep=False)
    return SequenceResult(given, tuple(final[:count]), AccessState(*final[_CONTROLLER:]))
