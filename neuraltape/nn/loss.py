"""What whole sequences cost where targets are bits, and the forms in which targets come. Knows no model."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from neuraltape.functional import bit_costs
from neuraltape.nn.arrange import Arranged, alive
from neuraltape.printed import record_repr


class Loss(NamedTuple):
    """What `SequenceModel.loss` gives."""

    costs: Tensor
    """Binary cross-entropy in nats, summed over each sequence's scored targets: (batch,); () for a single sequence."""
    outputs: Tensor
    """The logits, in the form in which the inputs came. They carry no gradient: it goes through the costs."""
    state: Any
    """The final state, as a call gives it."""

    __repr__ = record_repr


class Targets(NamedTuple):
    """Targets in the one form that costs are computed in."""

    bits: Tensor
    """(time, batch, output), in whatever precision they came."""
    mask: Tensor | None
    """The steps that are scored, (time, batch) bool; None: all."""

    __repr__ = record_repr


def arrange_targets(targets: Any, mask: Any, arranged: Arranged, output_size: int) -> Targets:
    """Bring a user's targets and mask into the form (time, batch, ...).

    Args:
        targets, mask: as `SequenceModel.loss` takes them.
        arranged: the inputs that they belong to.
        output_size: numbers in one step's output.

    Raises:
        TypeError: the inputs are packed, the targets are no tensor, or the mask is no tensor of bool.
        ValueError: a wrong shape or device.
    """
    if arranged.packed is not None:
        raise TypeError("inputs must be a tensor where targets come with them, with lengths=; got a PackedSequence")
    if not isinstance(targets, Tensor):
        raise TypeError(f"targets must be a tensor; got {type(targets).__name__}")
    if mask is not None and (not isinstance(mask, Tensor) or mask.dtype != torch.bool):
        came = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
        raise TypeError(f"mask must be a tensor of bool; got {came}")
    steps, batch_size = arranged.inputs.shape[:2]
    shape = (steps,) if arranged.single else (batch_size, steps) if arranged.batch_first else (steps, batch_size)
    for name, tensor, expected in (("targets", targets, (*shape, output_size)), ("mask", mask, shape)):
        if tensor is not None and tensor.shape != expected:
            raise ValueError(f"{name} must have shape {expected} for these inputs; got {tuple(tensor.shape)}")
        if tensor is not None and tensor.device != arranged.inputs.device:
            raise ValueError(f"{name} must be on {arranged.inputs.device} like the inputs; got {tensor.device}")
    return Targets(arranged.time_first(targets), None if mask is None else arranged.time_first(mask))


def bit_loss(outputs: Tensor, state: Any, targets: Targets, arranged: Arranged) -> Loss:
    """The loss of outputs that a call gave, in the form in which its inputs came."""
    bits, mask = targets
    if arranged.lengths is not None:
        living = alive(arranged.lengths, bits.shape[0])
        mask = living if mask is None else mask & living
    costs = bit_costs(arranged.time_first(outputs), bits, mask)
    return Loss(costs.squeeze(0) if arranged.single else costs, outputs.detach(), state)
