"""In which order slots were written: the links of the Differentiable Neural Computer, as pure functions.

Graves et al. (2016), Nature 538:471, Methods, "Temporal memory linkage" ("the paper" here). Knows no parameters.
"""

import torch
from jaxtyping import Float
from torch import Tensor

# Added before a focus is raised to a power, so that 0 has a logarithm.
_SHARPEN_EPS = 1e-6


def link(
    previous: Float[Tensor, "batch slots slots"],
    precedence: Float[Tensor, "batch slots"],
    write_weights: Float[Tensor, "batch slots"],
) -> Float[Tensor, "batch slots slots"]:
    """Which slot was written after which: L[i,j] = (1 - w[i] - w[j]) L_{t-1}[i,j] + w[i] p_{t-1}[j], L[i,i] = 0.

    Args:
        previous: L_{t-1}, (batch, slots, slots).
        precedence: p_{t-1}: before this step's write.
        write_weights: w^w_t.

    Returns:
        L_t: how much slot i was written right after slot j. Rows and columns sum to at most 1.
    """
    rows, columns = write_weights.unsqueeze(-1), write_weights.unsqueeze(-2)
    linked = (1 - rows - columns) * previous + rows * precedence.unsqueeze(-2)
    slots = write_weights.shape[-1]
    return linked.masked_fill(torch.eye(slots, dtype=torch.bool, device=linked.device), 0)


def precedence(
    previous: Float[Tensor, "batch slots"],
    write_weights: Float[Tensor, "batch slots"],
) -> Float[Tensor, "batch slots"]:
    """How much each slot was the last one written: p_t = (1 - sum_n w^w_t[n]) p_{t-1} + w^w_t.

    Args:
        previous: p_{t-1}.
        write_weights: w^w_t.

    Returns:
        p_t, non-negative, sums to at most 1.
    """
    return (1 - write_weights.sum(-1, keepdim=True)) * previous + write_weights


def follow(
    link: Float[Tensor, "batch slots slots"],
    read_weights: Float[Tensor, "batch heads slots"],
) -> tuple[Float[Tensor, "batch heads slots"], Float[Tensor, "batch heads slots"]]:
    """Where the links lead from where the heads looked: b = L^T w^r_{t-1}, f = L w^r_{t-1}.

    Args:
        link: L_t.
        read_weights: w^r_{t-1}.

    Returns:
        Backward: what was written before; forward: what was written after. Each sums to at most 1 over the slots.
    """
    return read_weights @ link, read_weights @ link.transpose(-1, -2)


def sharpen_link(
    followed: Float[Tensor, "batch heads slots"],
    sharpness: Float[Tensor, "batch heads"],
) -> Float[Tensor, "batch heads slots"]:
    """Undo the blur of links that were written softly: ((x + eps) / max x)^s, renormalised; 0 where nothing is linked.

    Csordas and Schmidhuber (2019), arXiv 1904.10278, section 3.3. Computed in log space.

    Args:
        followed: b or f of `follow`.
        sharpness: s >= 1.

    Returns:
        Non-negative, sums to 1 over slots, or is 0 everywhere.
    """
    largest = followed.detach().amax(-1, keepdim=True)
    # The result does not depend on the unit, so neither does the gradient.
    logarithms = ((followed + _SHARPEN_EPS) / (largest + _SHARPEN_EPS)).log() * sharpness.unsqueeze(-1)
    return torch.softmax(logarithms, -1).masked_fill(largest <= 0, 0)
