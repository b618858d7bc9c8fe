"""Which slots are free: how the Differentiable Neural Computer counts use and hands out slots, as pure functions.

Graves et al. (2016), Nature 538:471, Methods, "Dynamic memory allocation" ("the paper" here). Knows no parameters.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from neuraltape.functional.order import ascending, products

# What `allocation` takes for the least usage there is: the slope of a product by a factor of 0 would be lost.
LEAST_USAGE = 1e-6


def retention(
    free: Float[Tensor, "batch heads"],
    read_weights: Float[Tensor, "batch heads slots"],
) -> Float[Tensor, "batch slots"]:
    """How much of each slot stays in use after what was read: psi_t = prod_i (1 - f_i w^r_{t-1,i}).

    Args:
        free: free gates, in [0, 1]. 1: what the head read at the step before is no longer needed.
        read_weights: w^r_{t-1}, where the read heads looked at the step before.

    Returns:
        psi_t, in [0, 1].
    """
    return unfreed(free.unsqueeze(-1) * read_weights)


def unfreed(freed: Float[Tensor, "batch heads slots"]) -> Float[Tensor, "batch slots"]:
    """What is left where each head freed a part: prod_i (1 - freed_i)."""
    kept = 1 - freed[:, 0]
    # Factor by factor: the backward of `prod` searches for zeros and is slow with them.
    for head in range(1, freed.shape[1]):
        kept = kept * (1 - freed[:, head])
    return kept


def usage(
    previous: Float[Tensor, "batch slots"],
    write_weights: Float[Tensor, "batch slots"],
    retention: Float[Tensor, "batch slots"],
) -> Float[Tensor, "batch slots"]:
    """How much each slot is in use: u_t = (u_{t-1} + w^w_{t-1} - u_{t-1} w^w_{t-1}) psi_t.

    Args:
        previous: u_{t-1}, in [0, 1].
        write_weights: w^w_{t-1}, where the write head wrote at the step before.
        retention: psi_t.

    Returns:
        u_t, in [0, 1].
    """
    return (previous + write_weights - previous * write_weights) * retention


def by_usage(usage: Float[Tensor, "batch slots"]) -> Tensor:
    """phi_t: the slots by rising usage; of equal ones the lower number first. (batch, slots), integers."""
    return ascending(usage)


def allocation(usage: Float[Tensor, "batch slots"]) -> Float[Tensor, "batch slots"]:
    """Where a free slot is: a[phi_j] = (1 - u[phi_j]) prod_{i<j} u[phi_i], with phi the slots by rising usage.

    The usage is first moved to eps + (1 - eps) u with eps = 1e-6 (the authors' program). The order has no gradient. Of
    slots that are used alike the one with the lower number comes first.

    Args:
        usage: u_t, in [0, 1].

    Returns:
        a_t, non-negative, sums to at most 1: nearly 0 everywhere if nothing is free.
    """
    order = by_usage(usage)
    rising = LEAST_USAGE + (1 - LEAST_USAGE) * usage.gather(-1, order)
    # What is not free of all slots before this one.
    before = products(torch.cat([torch.ones_like(rising[:, :1]), rising[:, :-1]], -1))
    return torch.zeros_like(usage).scatter(-1, order, (1 - rising) * before)
