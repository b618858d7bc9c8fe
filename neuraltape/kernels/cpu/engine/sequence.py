"""The whole sequence as a PyTorch operator: fake kernel for torch.compile, autograd, autocast."""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from neuraltape.kernels.around import followed, refuse_backward, transformed
from neuraltape.kernels.cpu.engine.access import named
from neuraltape.kernels.cpu.engine.checks import check_inputs, state_shapes, weight_shapes
from neuraltape.kernels.cpu.engine.many import for_each
from neuraltape.kernels.cpu.engine.plan import places
from neuraltape.kernels.cpu.engine.run import sequence_backward, sequence_forward
from neuraltape.kernels.cpu.lib.checks import PLAIN, check_tensors
from neuraltape.kernels.cpu.lib.vector import VECTOR_BYTES
from neuraltape.kernels.reference import sequence as in_plain_pytorch
from neuraltape.kernels.spec import STATES, MachineSpec, Restart, SequenceResult, Weights

# The controller's tensors of a state: hidden and cell, empty where the cell has none. The access's follow.
CONTROLLER = 2

NO_SECOND_DERIVATIVE = "the cpu kernels have no second derivative; use backend='reference' for double backward"


def _numbers(spec: MachineSpec) -> list[float]:
    """A spec as an operator can take it, beside its names."""
    sizes = [spec.input_size, spec.hidden_size, spec.layers, spec.slots, spec.linear_units]
    return [*sizes, *named(spec.access).to_numbers(spec.layout)]


@lru_cache(maxsize=256)
def _spec(access: str, cell: Any, numbers: tuple[float, ...]) -> MachineSpec:
    layout = named(access).from_numbers(numbers[5:])
    inputs, hidden, layers, slots, linear = (int(number) for number in numbers[:5])
    return MachineSpec(access, cell, inputs, hidden, layers, slots, layout, linear)


@torch.library.custom_op("neuraltape::sequence", mutates_args=(), device_types="cpu")
def _forward(
    inputs: Tensor,
    lengths: Tensor | None,
    reset: Tensor | None,
    weights: list[Tensor],
    state: list[Tensor],
    start: list[Tensor],
    access: str,
    cell: str,
    numbers: list[float],
    keep: bool,
) -> list[Tensor]:
    spec = _spec(access, cell, tuple(numbers))
    given, final, saved, _ = sequence_forward(
        inputs, lengths, weights, state, spec, keep=keep, reset=reset, start=start
    )
    return [given, *final, saved if keep else saved.new_empty(0)]


@torch.library.register_fake("neuraltape::sequence")
def _(inputs, lengths, reset, weights, state, start, access, cell, numbers, keep):
    spec = _spec(access, cell, tuple(numbers))
    time, batch = inputs.shape[:2]
    given = inputs.new_empty(time, batch, spec.hidden_size + spec.layout.read_heads * spec.layout.width)
    final = [inputs.new_empty(tensor.shape) for tensor in state]
    return [given, *final, inputs.new_empty(_saved_size(inputs, spec, keep=keep, resets=reset is not None))]


def _saved_size(inputs: Tensor, spec: MachineSpec, *, keep: bool, resets: bool) -> Any:
    """How many numbers are saved: one that nobody knows yet where the steps or the sequences are left open."""
    if not keep:
        return 0
    time, batch = inputs.shape[:2]
    # It grows in stairs, each of which would be a condition that an exported program puts on its inputs.
    if torch.compiler.is_exporting() and any(isinstance(size, torch.SymInt) for size in (time, batch)):
        return torch.library.get_ctx().new_dynamic_size()
    vector = VECTOR_BYTES // inputs.element_size()
    return places.__wrapped__(spec, time, batch, vector, keep=True, resets=resets).engine.saved_size


@torch.library.custom_op("neuraltape::sequence_backward", mutates_args=(), device_types="cpu")
def _backward(
    slopes: list[Tensor | None],
    inputs: Tensor,
    lengths: Tensor | None,
    reset: Tensor | None,
    reads0: Tensor,
    given: Tensor,
    saved: Tensor,
    access: str,
    cell: str,
    numbers: list[float],
    wants_inputs: bool,
) -> list[Tensor]:
    spec, starts = _spec(access, cell, tuple(numbers)), len(slopes) - 1
    wanted = (wants_inputs, *[True] * (starts if reset is None else 2 * starts))
    dinputs, dweights, dstate = sequence_backward(
        slopes, inputs, lengths, reads0, given, saved, spec, wanted=wanted, reset=reset
    )
    # An operator's result is a tensor, wanted or not.
    dinputs = torch.zeros_like(inputs) if dinputs is None else dinputs
    return [each for each in (dinputs, *dweights, *dstate) if each is not None]


@torch.library.register_fake("neuraltape::sequence_backward")
def _(slopes, inputs, lengths, reset, reads0, given, saved, access, cell, numbers, wants_inputs):
    spec = _spec(access, cell, tuple(numbers))
    # Not the cached one: under torch.compile the batch may be a symbol, which has no hash.
    of_state = state_shapes.__wrapped__(spec, inputs.shape[1])
    shapes = [shape for _, shape in (*weight_shapes(spec), *of_state * (1 if reset is None else 2))]
    return [torch.empty_like(inputs), *(inputs.new_empty(shape) for shape in shapes)]


def _setup(ctx, inputs, output):
    x, lengths, reset, weights, state, _, access, cell, numbers, keep = inputs
    ctx.save_for_backward(x, lengths, reset, state[-1], output[0], output[-1])
    ctx.set_materialize_grads(False)
    ctx.access, ctx.cell, ctx.numbers, ctx.keep = access, cell, numbers, keep
    ctx.weights, ctx.states = len(weights), len(state)


def _differentiate(ctx, slopes):
    if not ctx.keep:
        raise RuntimeError(
            "this result was made for no gradient; call the sequence with gradients enabled; of an exported program: "
            "export it with gradients enabled"
        )
    dinputs, *others = torch.ops.neuraltape.sequence_backward(
        slopes[:-1], *ctx.saved_tensors, ctx.access, ctx.cell, ctx.numbers, ctx.needs_input_grad[0]
    )
    dinputs = dinputs if ctx.needs_input_grad[0] else None
    dweights, others = others[: ctx.weights], others[ctx.weights :]
    dstate, dstart = others[: ctx.states], others[ctx.states :]
    return dinputs, None, None, dweights, dstate, dstart, None, None, None, None


def refuse(ctx, *slopes):
    """Autograd of a backward pass."""
    raise NotImplementedError(NO_SECOND_DERIVATIVE)


torch.library.register_autograd("neuraltape::sequence", _differentiate, setup_context=_setup)
torch.library.register_autograd("neuraltape::sequence_backward", refuse)
torch.library.register_vmap("neuraltape::sequence_backward", for_each(_backward))
torch.library.register_autocast("neuraltape::sequence", "cpu", torch.float32)


class _Eager(torch.autograd.Function):
    """The same derivative without the operator: its bookkeeping costs as much as a short sequence."""

    @staticmethod
    def forward(ctx, lengths, reset, spec, states, inputs, *others):
        # The weights, the state, and with a reset the state with which rows begin anew.
        end = len(others) if reset is None else len(others) - states
        weights, state, start = list(others[: end - states]), list(others[end - states : end]), others[end:]
        given, final, saved, _ = sequence_forward(
            inputs, lengths, weights, state, spec, keep=True, reset=reset, start=start
        )
        ctx.save_for_backward(inputs, lengths, reset, state[-1], given, saved)
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
        ctx.spec, ctx.first = spec, end - states
        return given, *final

    @staticmethod
    def backward(ctx, *slopes):
        wants = ctx.needs_input_grad[4:]
        refuse_backward(slopes)
        if torch.is_grad_enabled() or followed() or transformed():
            spec = ctx.spec
            dinputs, *rest = torch.ops.neuraltape.sequence_backward(
                slopes, *ctx.saved_tensors, spec.access, spec.cell, _numbers(spec), wants[0]
            )
        else:
            wanted = (wants[0], *wants[1 + ctx.first :])
            inputs, lengths, reset, reads0, given, saved = ctx.saved_tensors
            dinputs, dweights, dstate = sequence_backward(
                slopes, inputs, lengths, reads0, given, saved, ctx.spec, wanted=wanted, reset=reset
            )
            rest = [*dweights, *dstate]
        return None, None, None, None, dinputs if wants[0] else None, *rest


def sequence(
    inputs: Tensor,
    lengths: Tensor | None,
    weights: Weights,
    controller: tuple[Tensor, ...],
    access: Any,
    spec: MachineSpec,
    restart: Restart | None = None,
) -> SequenceResult:
    """A whole sequence through controller and memory: see `neuraltape.kernels.reference.sequence`."""
    if torch.is_autocast_enabled("cpu"):
        inputs = inputs.to(weights.interface_weight.dtype)
    parameters = [*weights.controller, weights.interface_weight, weights.interface_bias]
    missing = CONTROLLER - len(controller)
    empty = [inputs.new_empty(0)] * missing if missing > 0 else []
    plug, as_came = named(spec.access), (access, spec, restart)
    if plug.enter is not None and inputs.dim() == 3:
        spec, access, restart = plug.enter(spec, access, restart, len(inputs))
    state, reset, start = [*controller, *empty, *access.parts()], None, []
    tensors = [inputs, *parameters, *state]
    if inputs.dim() == 3 and inputs.shape[1] == 0:
        dtype = weights.interface_bias.dtype
        check_inputs(inputs, spec, dtype)
        check_tensors(tensors[1:], (*weight_shapes(spec), *state_shapes(spec, 0)), dtype)
        return in_plain_pytorch(inputs, lengths, weights, controller, *as_came)
    plain = all(type(t) in PLAIN for t in tensors)
    if restart is not None:
        reset, start = restart.at, [*restart.controller, *empty, *restart.access.parts()]
        tensors += start
        plain = plain and all(type(t) in PLAIN for t in (reset, *start))
    keep = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    if followed() or not plain:
        given, *final, _ = torch.ops.neuraltape.sequence(
            inputs, lengths, reset, parameters, state, start, spec.access, spec.cell, _numbers(spec), keep
        )
    elif keep:
        given, *final = _Eager.apply(lengths, reset, spec, len(state), *tensors)
    else:
        given, final, *_ = sequence_forward(
            inputs, lengths, parameters, state, spec, keep=False, reset=reset, start=start
        )
    last = plug.leave(plug.state(*final[CONTROLLER:]), as_came[0])
    return SequenceResult(given, tuple(final[: STATES[spec.cell]]), last)
