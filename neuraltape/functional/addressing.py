"""The four stages of addressing, as pure functions.

This is the specification: plain tensor maths written as in Graves, Wayne and Danihelka (2014), arXiv 1410.5401
("the paper"). It knows no parameters, no devices and no time; every fast path is tested against it.
"""

from typing import Literal, NamedTuple, overload

import torch
from jaxtyping import Float
from torch import Tensor

from neuraltape.printed import record_repr

# Below this norm a vector has no direction left. (The slope of 1/norm, norm**-3, still fits float32 here.)
SMALLEST_NORM = 1e-12


class Stages(NamedTuple):
    """The weighting after each stage of one addressing, all shaped (batch, heads, slots)."""

    content: Tensor
    gated: Tensor
    shifted: Tensor
    weights: Tensor

    __repr__ = record_repr


def _unit(vectors: Float[Tensor, "batch rows width"]) -> Float[Tensor, "batch rows width"]:
    """Rows scaled to length 1. A row of (almost) no length becomes exactly 0 and receives no gradient."""
    squared = vectors.square().sum(-1, keepdim=True)
    has_direction = squared > SMALLEST_NORM**2
    # The inner `where` keeps the root's infinite slope at 0 out of the backward pass, the outer one the value.
    inverse = torch.where(has_direction, torch.where(has_direction, squared, 1.0).rsqrt(), 0.0)
    return vectors * inverse


def similarity(
    memory: Float[Tensor, "batch slots width"],
    key: Float[Tensor, "batch heads width"],
    mask: Float[Tensor, "batch heads width"] | None = None,
) -> Float[Tensor, "batch heads slots"]:
    """How much each slot resembles the key: the cosine of the angle between them, from -1 to 1.

    Paper, equation 6. The paper leaves the similarity to a zero vector open; here it is 0, without a gradient. With a
    mask it is K(k m, M m): numbers whose mask is small hardly count (Csordas and Schmidhuber 2019, arXiv 1904.10278,
    equation 4).

    Args:
        memory: M_t, (batch, slots, width).
        key: k_t, (batch, heads, width).
        mask: m_t in [0, 1], (batch, heads, width); None: all numbers count alike.

    Returns:
        K(k_t, M_t), (batch, heads, slots).
    """
    if mask is None:
        return _unit(key) @ _unit(memory).transpose(-1, -2)
    # Each head sees a memory of its own.
    seen = _unit((memory.unsqueeze(1) * mask.unsqueeze(2)).flatten(0, 1)).unflatten(0, mask.shape[:2])
    return (seen @ _unit(key * mask).unsqueeze(-1)).squeeze(-1)


def look_up(
    similarity: Float[Tensor, "batch heads slots"],
    strength: Float[Tensor, "batch heads"],
) -> Float[Tensor, "batch heads slots"]:
    """Turn similarities into a focus: softmax over slots of strength times similarity.

    Paper, equation 5.

    Args:
        similarity: K(k_t, M_t), (batch, heads, slots).
        strength: beta_t >= 0, (batch, heads). 0 gives uniform weights.

    Returns:
        w^c_t, (batch, heads, slots): non-negative, sums to 1 over slots.
    """
    return torch.softmax(strength.unsqueeze(-1) * similarity, dim=-1)


def content_weights(
    memory: Float[Tensor, "batch slots width"],
    key: Float[Tensor, "batch heads width"],
    strength: Float[Tensor, "batch heads"],
    mask: Float[Tensor, "batch heads width"] | None = None,
) -> Float[Tensor, "batch heads slots"]:
    """Focus on the slots that resemble the key: `look_up` of `similarity`.

    Paper, equations 5 and 6. An empty memory or an all-zero key gives the uniform focus and no NaN.

    Args:
        memory: M_t, (batch, slots, width).
        key: k_t, (batch, heads, width).
        strength: beta_t >= 0, (batch, heads). 0 gives uniform weights.
        mask: which numbers of key and memory count, see `similarity`.

    Returns:
        w^c_t, (batch, heads, slots): non-negative, sums to 1 over slots.
    """
    return look_up(similarity(memory, key, mask), strength)


def interpolate(
    content: Float[Tensor, "batch heads slots"],
    previous: Float[Tensor, "batch heads slots"],
    gate: Float[Tensor, "batch heads"],
) -> Float[Tensor, "batch heads slots"]:
    """Blend the content focus with the focus of the step before: gate * content + (1 - gate) * previous.

    Paper, equation 7.

    Args:
        content: w^c_t, (batch, heads, slots).
        previous: w_{t-1}, (batch, heads, slots).
        gate: g_t in [0, 1], (batch, heads). 1: content only; 0: keep the previous focus.

    Returns:
        w^g_t, (batch, heads, slots).
    """
    gate = gate.unsqueeze(-1)
    return gate * content + (1 - gate) * previous


def shift(
    weights: Float[Tensor, "batch heads slots"],
    shift: Float[Tensor, "batch heads offsets"],
    offsets: tuple[int, ...],
) -> Float[Tensor, "batch heads slots"]:
    """Move the focus around the ring of slots: out[i] = sum_k shift[k] * weights[(i - offsets[k]) mod slots].

    Paper, equation 8 (circular convolution). Offset +1 moves the focus to the next slot.

    Args:
        weights: w^g_t, (batch, heads, slots).
        shift: s_t, (batch, heads, offsets): how much of the focus makes each move; sums to 1.
        offsets: the move that each entry of `shift` stands for: distinct integers, in any order.

    Returns:
        The shifted weights, (batch, heads, slots).

    Raises:
        ValueError: `offsets` is not a tuple of integers, is empty, repeats a move, or is not as long as the last
            axis of `shift`.
    """
    check_offsets(offsets)
    if shift.shape[-1] != len(offsets):
        raise ValueError(
            f"shift must have one entry for each of the {len(offsets)} offsets {offsets}; "
            f"its shape is {tuple(shift.shape)}"
        )
    slots = weights.shape[-1]
    moved = shift[..., 0, None] * weights.roll(offsets[0] % slots, -1)
    for k in range(1, len(offsets)):
        moved = moved + shift[..., k, None] * weights.roll(offsets[k] % slots, -1)
    return moved


def check_offsets(offsets: object) -> None:
    """Raise ValueError unless `offsets` is a non-empty tuple of distinct integers."""
    # `type` and not `isinstance` for each: True is no move.
    integers = isinstance(offsets, tuple) and all(type(offset) is int for offset in offsets)
    if not isinstance(offsets, tuple) or not integers or not 0 < len(offsets) == len(set(offsets)):
        raise ValueError(
            f"offsets must be a tuple of distinct integers, at least one, such as (-1, 0, 1); got {offsets!r}"
        )


def sharpen(
    weights: Float[Tensor, "batch heads slots"],
    sharpness: Float[Tensor, "batch heads"],
) -> Float[Tensor, "batch heads slots"]:
    """Undo the blur of the shift: raise to the power `sharpness` and renormalise.

    Paper, equation 9, computed in log space: w ** 100 underflows float32 for any focus spread over more than a
    few slots, its logarithm does not. A slot without focus stays without focus, and receives no gradient.
    Logarithms are taken relative to the largest weight: those that matter are then near 0, so the power multiplies
    their rounding least.

    Args:
        weights: the shifted weights, (batch, heads, slots).
        sharpness: gamma_t >= 1, (batch, heads). 1 changes nothing.

    Returns:
        w_t, (batch, heads, slots): non-negative, sums to 1 over slots.
    """
    smallest = torch.finfo(weights.dtype).tiny
    # The result does not depend on the unit, so neither does the gradient.
    unit = weights.detach().amax(-1, keepdim=True)
    logarithms = (weights.clamp_min(smallest) / unit).log() * sharpness.unsqueeze(-1)
    return torch.softmax(logarithms.masked_fill(weights < smallest, -torch.inf), dim=-1)


@overload
def address(
    memory: Tensor,
    previous: Tensor,
    key: Tensor,
    strength: Tensor,
    gate: Tensor,
    shift: Tensor,
    sharpness: Tensor,
    offsets: tuple[int, ...],
    *,
    stages: Literal[False] = False,
) -> Tensor: ...


@overload
def address(
    memory: Tensor,
    previous: Tensor,
    key: Tensor,
    strength: Tensor,
    gate: Tensor,
    shift: Tensor,
    sharpness: Tensor,
    offsets: tuple[int, ...],
    *,
    stages: Literal[True],
) -> Stages: ...


def address(
    memory: Float[Tensor, "batch slots width"],
    previous: Float[Tensor, "batch heads slots"],
    key: Float[Tensor, "batch heads width"],
    strength: Float[Tensor, "batch heads"],
    gate: Float[Tensor, "batch heads"],
    shift: Float[Tensor, "batch heads offsets"],
    sharpness: Float[Tensor, "batch heads"],
    offsets: tuple[int, ...],
    *,
    stages: bool = False,
) -> Tensor | Stages:
    """Where a head looks: content match, interpolation, shift and sharpening, in this order.

    Paper, equations 5 to 9 and figure 2.

    Args:
        memory: M, (batch, slots, width).
        previous: w_{t-1}, (batch, heads, slots).
        key, strength, gate, shift, sharpness: the head's parameters, as each stage takes them.
        offsets: the moves that `shift` is a distribution over.
        stages: also return the weighting after each stage.

    Returns:
        w_t, (batch, heads, slots); with `stages=True` a `Stages` of all four weightings, w_t last.
    """
    content = content_weights(memory, key, strength)
    gated = interpolate(content, previous, gate)
    shifted = _shift(gated, shift, offsets)
    weights = sharpen(shifted, sharpness)
    return Stages(content, gated, shifted, weights) if stages else weights


# Inside `address` the name `shift` is the head's parameter, as in the glossary.
_shift = shift
