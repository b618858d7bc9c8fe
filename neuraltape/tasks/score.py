"""What outputs cost, step by step: the formulas behind every task's loss and score. Knows no task.

A step outside the mask costs exactly nothing and passes no gradient, even where its output or target is NaN.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from neuraltape.printed import record_repr

NATS_PER_BIT = math.log(2)
# The channels of a digit.
BASE = 10


class Score(NamedTuple):
    """How well each sequence of a batch went, numbers as float64."""

    bits: Float[Tensor, " batch"]
    """Cross-entropy over the scored targets, in bits a sequence."""
    wrong: Float[Tensor, " batch"]
    """Scored targets that the outputs get wrong."""
    optimum: Float[Tensor, " batch"] | None = None
    """What the best possible predictor pays on the same sequence, in bits, where the task knows it."""
    marked: Bool[Tensor, " batch"] | None = None
    """Whether the answer's end marker comes at its step and at no other, where the task has one."""

    __repr__ = record_repr


def bit_costs(
    outputs: Float[Tensor, "time batch output_size"],
    targets: Float[Tensor, "time batch output_size"],
    mask: Bool[Tensor, "time batch"],
) -> Float[Tensor, "time batch"]:
    """Binary cross-entropy of logits against 0/1 targets in nats, summed over a step's channels."""
    outputs, targets = _scored(outputs, targets, mask)
    costs = functional.binary_cross_entropy_with_logits(outputs, targets, reduction="none").sum(-1)
    return torch.where(mask, costs, 0.0)


def class_costs(
    outputs: Float[Tensor, "time batch classes"], targets: Int[Tensor, "time batch"], mask: Bool[Tensor, "time batch"]
) -> Float[Tensor, "time batch"]:
    """Cross-entropy of logits against class numbers in nats."""
    outputs = torch.where(mask.unsqueeze(-1), _at_least_float32(outputs), 0.0)
    costs = functional.cross_entropy(outputs.flatten(0, 1), torch.where(mask, targets, 0).flatten(), reduction="none")
    return torch.where(mask, costs.view_as(mask), 0.0)


def digit_costs(
    outputs: Float[Tensor, "time batch output_size"],
    targets: Float[Tensor, "time batch output_size"],
    mask: Bool[Tensor, "time batch"],
) -> Float[Tensor, "time batch"]:
    """Cross-entropy in nats of digits, summed over those of a step: each has ten channels, logits against one 1."""
    choices = _at_least_float32(outputs[mask]).unflatten(-1, (-1, BASE)).log_softmax(-1)
    costs = -(choices * targets[mask].to(choices.dtype).view_as(choices)).sum((-1, -2))
    return costs.new_zeros(mask.shape).masked_scatter(mask, costs)


def square_costs(
    outputs: Float[Tensor, "time batch output_size"],
    targets: Float[Tensor, "time batch output_size"],
    mask: Bool[Tensor, "time batch"],
) -> Float[Tensor, "time batch"]:
    """Squared error, summed over a step's channels."""
    outputs, targets = _scored(outputs, targets, mask)
    return torch.where(mask, (outputs - targets).square().sum(-1), 0.0)


def wrong_bits(outputs: Tensor, targets: Tensor, mask: Tensor) -> Int[Tensor, "time batch"]:
    """Channels of each scored step whose thresholded logit (above 0: one) is not the target. NaN is always wrong."""
    right = torch.where(targets > 0.5, outputs > 0, outputs <= 0)
    return (~right & mask.unsqueeze(-1)).sum(-1)


def wrong_classes(outputs: Tensor, targets: Tensor, mask: Tensor) -> Int[Tensor, "time batch"]:
    """1 at each scored step whose largest logit is not the target's. NaN is always wrong."""
    right = (outputs.argmax(-1) == targets) & ~outputs.isnan().any(-1)
    return (~right & mask).long()


def wrong_digits(outputs: Tensor, targets: Tensor, mask: Tensor) -> Int[Tensor, "time batch"]:
    """Digits of each scored step whose largest logit is not the target's. NaN is always wrong."""
    outputs, targets = (each.unflatten(-1, (-1, BASE)) for each in (outputs, targets))
    right = (outputs.argmax(-1) == targets.argmax(-1)) & ~outputs.isnan().any(-1)
    return (~right & mask.unsqueeze(-1)).sum(-1)


def wrong_values(outputs: Tensor, targets: Tensor, mask: Tensor) -> Int[Tensor, "time batch"]:
    """Channels of each scored step that miss the target by more than 0.5. NaN is always wrong."""
    right = (outputs - targets).abs() <= 0.5
    return (~right & mask.unsqueeze(-1)).sum(-1)


def _scored(outputs: Tensor, targets: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs and targets with everything outside the mask at 0, in one precision."""
    outputs = _at_least_float32(outputs)
    inside = mask.unsqueeze(-1)
    return torch.where(inside, outputs, 0.0), torch.where(inside, targets, 0.0).to(outputs.dtype)


def _at_least_float32(outputs: Tensor) -> Tensor:
    """Half precision (a model under autocast) has too few digits to add costs up in."""
    return outputs.to(torch.promote_types(outputs.dtype, torch.float32))
