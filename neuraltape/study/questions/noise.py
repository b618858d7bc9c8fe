"""Noise in when facts were told."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor


def noisy_ages(
    filled: Bool[Tensor, "batch slots"], noise: float, slots: int, generator: torch.Generator
) -> Int[Tensor, "batch slots"]:
    """How many facts ago each one was told, as if empty facts stood between them.

    "Learning time invariance by injecting random noise", Sukhbaatar et al. (2015), arXiv 1503.08895, section 4.1: the
    paper adds a tenth of empty memories. Here each story gets up to that share of them, at random places, as their
    implementation has it.

    Args:
        filled: where there are facts, the latest first.
        noise: empty facts at the most, as a share of the facts.
        slots: ages stay below it.
        generator: all randomness comes from it.
    """
    count = filled.sum(-1)
    most = (noise * count).ceil()
    blanks = (torch.rand(len(count), generator=generator) * (most + 1)).long()
    # Of so many places each story's facts keep some, chosen at random, in order.
    places = filled.shape[1] + int(blanks.max())
    order = torch.rand(len(count), places, generator=generator)
    order = order.masked_fill(torch.arange(places) >= (count + blanks).unsqueeze(-1), 2.0).argsort(-1)
    chosen = order[:, : filled.shape[1]].masked_fill(~filled, places)
    return chosen.sort(-1).values.clamp(max=slots - 1)
