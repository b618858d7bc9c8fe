"""Sparse links: in which order a head wrote, of which each slot keeps a few; pure functions. Knows no parameters.

Rae et al. (2016), arXiv 1610.09027, supplement, "Sparse Differentiable Neural Computer" ("the paper" here). The
equations are those of `neuraltape.functional.links`; after each step the K_L largest links of a slot are kept, to what
was written before it and to what was written after it, and the K_L largest weights of the precedence. No gradient flows
through any of these.

Where this departs from the paper:
- the paper has an equation of its own for each way, in which a link to a slot fades only when the one end is written;
  here both ways are the rows and columns of one matrix, the Differentiable Neural Computer's;
- there one head writes; here each head has links of its own, of what it wrote.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad

from neuraltape.functional.links import link, precedence
from neuraltape.functional.order import largest, ranks


def sparse_link(
    previous: Float[Tensor, "batch heads slots slots"],
    precedence: Float[Tensor, "batch heads slots"],
    write_weights: Float[Tensor, "batch heads slots"],
    count: int,
) -> Float[Tensor, "batch heads slots slots"]:
    """`link` for each head, then the largest of each row, then of each column of what is left.

    Args:
        previous: L_{t-1}.
        precedence: p_{t-1}: before this step's write.
        write_weights: w^w_t.
        count: K_L.

    Returns:
        L_t: how much slot i was written right after slot j; at most `count` of each row and column are not 0.
    """
    linked = link(previous.flatten(0, 1), precedence.flatten(0, 1), write_weights.flatten(0, 1)).view_as(previous)
    rows = keep_largest(linked, count)
    return keep_largest(rows.transpose(-1, -2), count).transpose(-1, -2)


def sparse_precedence(
    previous: Float[Tensor, "batch heads slots"], write_weights: Float[Tensor, "batch heads slots"], count: int
) -> Float[Tensor, "batch heads slots"]:
    """`precedence` for each head, of which the `count` largest weights are kept."""
    return keep_largest(precedence(previous.flatten(0, 1), write_weights.flatten(0, 1)).view_as(previous), count)


def follow_slots(
    link: Float[Tensor, "batch heads slots slots"],
    slots: Int[Tensor, "batch heads count"],
    weights: Float[Tensor, "batch heads count"],
) -> tuple[Float[Tensor, "batch heads slots"], Float[Tensor, "batch heads slots"]]:
    """`follow` from a sparse focus, each head through links of its own. The gradient goes to its weights alone.

    Args:
        link: L_t.
        slots: where the heads looked at the step before.
        weights: how much.

    Returns:
        Backward: what was written before; forward: what was written after. Each sums to at most 1 over the slots.
    """
    at = slots.unsqueeze(-1).expand(*slots.shape, link.shape[-1])
    # Their rows and columns alone, which is what is kept for the way back.
    rows, columns = link.gather(-2, at), link.transpose(-1, -2).gather(-2, at)
    share = weights.unsqueeze(-2)
    return (share @ rows).squeeze(-2), (share @ columns).squeeze(-2)


def keep_largest(weights: Float[Tensor, "*rows slots"], count: int) -> Float[Tensor, "*rows slots"]:
    """The `count` largest weights of each row, 0 in place of the others and of what is less than 2^-17."""
    return from_lists(to_lists(weights, count), weights.shape[-1])


def to_lists(weights: Float[Tensor, "*rows slots"], count: int) -> Float[Tensor, "*rows 2 count"]:
    """The `count` largest weights of each row: their slots, and how much; an empty place is slot 0 and 0."""
    weights = pad(weights, (0, max(0, count - weights.shape[-1])))
    slots = largest(weights, count)
    values = weights.gather(-1, slots)
    empty = ranks(values) < 1
    return torch.stack([slots.masked_fill(empty, 0).to(weights.dtype), values.masked_fill(empty, 0)], -2)


def from_lists(lists: Float[Tensor, "*rows 2 count"], slots: int) -> Float[Tensor, "*rows slots"]:
    """The way back, over so many slots."""
    where, values = lists.unbind(-2)
    return on_slots(where.long(), values, slots)


def on_slots(
    slots: Int[Tensor, "*rows count"], weights: Float[Tensor, "*rows count"], kept: int
) -> Float[Tensor, "*rows kept"]:
    """Sparse weightings as dense ones over so many slots. What stands at the same slot is added."""
    return weights.new_zeros(*weights.shape[:-1], kept).scatter_add(-1, slots, weights)
