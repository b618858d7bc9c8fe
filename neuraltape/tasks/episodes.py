"""Which class comes when in an episode of learning from one example. Knows no pictures."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from neuraltape.printed import record_repr


class Order(NamedTuple):
    """The order in which the classes of each episode of a batch are shown, padded at the end."""

    labels: Int[Tensor, "time batch"]
    """The class at each step, numbered within the episode; 0 in the padding."""
    presentations: Int[Tensor, "time batch"]
    """How often this class has been shown before this step; 0 in the padding."""
    inside: Bool[Tensor, "time batch"]
    """Whether the step belongs to the episode."""
    lengths: Int[Tensor, " batch"]
    """Steps of each episode."""

    __repr__ = record_repr


def draw_order(classes: Int[Tensor, " batch"], presentations: int, generator: torch.Generator) -> Order:
    """Show every class equally often, in random order.

    Args:
        classes: the number of classes of each episode.
        presentations: how often each is shown.
        generator: all randomness comes from it.
    """
    batch, most = len(classes), int(classes.max())
    labels = torch.arange(most).repeat_interleave(presentations).unsqueeze(-1).expand(-1, batch)
    chance = torch.rand(len(labels), batch, generator=generator)
    # What an episode doesn't have comes last.
    chance = chance.masked_fill(labels >= classes, 2.0)
    labels = labels.gather(0, chance.argsort(0))
    inside = labels < classes
    labels = labels * inside
    return Order(labels, count_before(labels, inside), inside, classes * presentations)


def count_before(labels: Int[Tensor, "time batch"], inside: Bool[Tensor, "time batch"]) -> Int[Tensor, "time batch"]:
    """How often the label of each step has come before it in its own sequence; 0 where a step is not inside."""
    most = int(labels.max()) + 1
    shown = torch.nn.functional.one_hot(labels, most) * inside.unsqueeze(-1)
    before = shown.cumsum(0) - shown
    return before.gather(-1, labels.unsqueeze(-1)).squeeze(-1) * inside
