"""A whole sequence of an LRUA machine, with its derivative: the operation behind the kernels' door."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

import torch
from torch import Tensor

from neuraltape.functional import LRUAState
from neuraltape.kernels.cpu.engine.checks import Shapes, check_inputs, check_lengths, check_tensors, weight_shapes
from neuraltape.kernels.cpu.lrua.plan import sizes, unpack
from neuraltape.kernels.cpu.lrua.run import Saved, Slopes, backward, forward
from neuraltape.kernels.cpu.lrua.state import (
    from_rows,
    from_tiles,
    given_of,
    hidden_of,
    reads_of,
    to_hidden,
    to_rows,
    to_seen,
    to_tiles,
)
from neuraltape.kernels.spec import MachineSpec, SequenceResult, Weights

# Without gradients so many steps are computed at a time, so that a long sequence needs no more room than a short one.
_SEGMENT = 64
_WEIGHTS = 6


class _Sequence(torch.autograd.Function):
    """Forward keeps everything of every step; backward goes through it once, the last step first."""

    @staticmethod
    def forward(ctx: Any, spec: MachineSpec, lengths: Tensor, inputs: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        weights, (hidden, cell, *access) = _weights(others), others[_WEIGHTS:]
        final, saved = forward(inputs, lengths, weights, hidden, cell, LRUAState(*access), spec)
        z = sizes(spec, inputs.shape[1], inputs.element_size())
        # The inputs are kept by autograd, which sees if they are changed meanwhile.
        ctx.save_for_backward(inputs)
        ctx.saved = saved._replace(inputs=saved.lengths)
        ctx.spec, ctx.ragged = spec, bool((lengths < len(inputs)).any())
        ctx.mark_non_differentiable(final.access.usage)
        ctx.set_materialize_grads(False)
        return given_of(saved.seen[1:], spec, z), final.hidden, final.cell, *final.access.parts()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *slopes: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        spec: MachineSpec = ctx.spec
        (inputs,) = ctx.saved_tensors
        saved: Saved = ctx.saved._replace(inputs=inputs.contiguous())
        time, batch = inputs.shape[:2]
        z = sizes(spec, batch, inputs.element_size())
        dgiven, dhidden, dcell, dmemory, dweights, _, dlast = slopes

        def some(slope: Tensor | None, *shape: int) -> Tensor:
            return inputs.new_zeros(shape) if slope is None else slope

        heads, width, size = z.heads, z.width, spec.hidden_size
        dgiven = some(dgiven, time, batch, size + heads * width)
        dseen = to_seen(dgiven[..., size:].unflatten(-1, (heads, width)), dgiven[..., :size], z)
        if ctx.ragged:
            dseen.masked_fill_((torch.arange(time).unsqueeze(-1) >= saved.lengths).unsqueeze(-1), 0)
        outside = Slopes(
            dseen,
            to_seen(some(dlast, batch, heads, width), some(dhidden, batch, 1, size)[:, 0], z),
            to_hidden(some(dcell, batch, 1, size), z),
            to_tiles(some(dmemory, batch, z.slots, width), z),
            to_rows(some(dweights, batch, heads, z.slots), z),
        )
        dinputs, gradients, dfirst, dcell, dmemory, dweights = backward(
            saved, outside, spec, ragged=ctx.ragged, wants_inputs=ctx.needs_input_grad[2]
        )
        dstate = (
            hidden_of(dfirst, spec, z).unsqueeze(1),
            dcell[:, :size].unsqueeze(1),
            from_tiles(dmemory, z),
            from_rows(dweights, z),
            None,
            reads_of(dfirst, z),
        )
        return None, None, dinputs, *unpack(gradients, spec, z), *dstate


def _weights(others: tuple[Tensor, ...]) -> Weights:
    return Weights(others[:4], others[4], others[5])


def _uncompiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `torch.compiler.disable`, but what that imports takes seconds, so only when something is compiled."""

    @wraps(function)
    def call(*args: Any) -> Any:
        run: Any = torch.compiler.disable(function) if torch.compiler.is_compiling() else function
        return run(*args)

    return call


@_uncompiled
def sequence(
    inputs: Tensor,
    lengths: Tensor | None,
    weights: Weights,
    controller: tuple[Tensor, ...],
    access: LRUAState,
    spec: MachineSpec,
) -> SequenceResult:
    """A whole sequence through controller and memory: see `neuraltape.kernels.reference.sequence`."""
    if torch.is_autocast_enabled("cpu"):
        inputs = inputs.to(weights.interface_weight.dtype)
    dtype, (time, batch) = weights.interface_weight.dtype, inputs.shape[:2]
    check_inputs(inputs, spec, dtype)
    others = (*weights.controller, weights.interface_weight, weights.interface_bias, *controller, *access.parts())
    check_tensors(others, (*weight_shapes(spec), *_state_shapes(spec, batch)), dtype)
    if lengths is None:
        lengths = torch.full((batch,), time)
    else:
        check_lengths(lengths, time, batch)
        lengths = lengths.to(torch.int64).contiguous()
        # What stands in the padding may be NaN, and 0 * NaN is NaN.
        inputs = inputs.masked_fill((torch.arange(time).unsqueeze(-1) >= lengths).unsqueeze(-1), 0)
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (inputs, *others)):
        given, *final = _Sequence.apply(spec, lengths, inputs, *others)
    else:
        given, final = _in_segments(spec, lengths, inputs, others)
    past = torch.arange(time).unsqueeze(-1) >= lengths
    if past.any():
        given = given.masked_fill(past.unsqueeze(-1), 0)
    return SequenceResult(given, tuple(final[:2]), LRUAState(*final[2:]))


def _in_segments(
    spec: MachineSpec, lengths: Tensor, inputs: Tensor, others: tuple[Tensor, ...]
) -> tuple[Tensor, list[Tensor]]:
    """What every step gives and the final state, without what a backward pass needs."""
    weights, state = _weights(others), others[_WEIGHTS:]
    z = sizes(spec, inputs.shape[1], inputs.element_size())
    given = []
    for start in range(0, len(inputs), _SEGMENT):
        segment = inputs[start : start + _SEGMENT]
        hidden, cell, *access = (tensor.detach() for tensor in state)
        final, saved = forward(segment, (lengths - start).contiguous(), weights, hidden, cell, LRUAState(*access), spec)
        given.append(given_of(saved.seen[1:], spec, z))
        state = (final.hidden, final.cell, *final.access.parts())
    return torch.cat(given), list(state)


@lru_cache(maxsize=256)
def _state_shapes(spec: MachineSpec, batch: int) -> Shapes:
    """Names and shapes of the parts of a state."""
    layers, layout = (batch, 1, spec.hidden_size), spec.layout
    return (
        ("hidden", layers),
        ("cell", layers),
        ("memory", (batch, spec.slots, layout.width)),
        ("read_weights", (batch, layout.heads, spec.slots)),
        ("usage", (batch, spec.slots)),
        ("reads", (batch, layout.heads, layout.width)),
    )
