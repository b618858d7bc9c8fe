"""What outputs cost where targets are bits: the loss of the paper's tasks (section 4)."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def bit_costs(
    logits: Float[Tensor, "time batch outputs"],
    targets: Float[Tensor, "time batch outputs"],
    mask: Bool[Tensor, "time batch"] | None = None,
) -> Float[Tensor, " batch"]:
    """Binary cross-entropy in nats, summed over a sequence's steps and outputs.

    - sum_t sum_i [targets log sigmoid(logits) + (1 - targets) log(1 - sigmoid(logits))]

    Args:
        logits: what the sigmoid is taken of. float16 and bfloat16 are widened to float32.
        targets: 0 to 1.
        mask: the steps that count; None: all. The others cost exactly 0 and get no gradient, even where a logit or a
            target is NaN.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    targets = targets.to(logits.dtype)
    if mask is not None:
        inside = mask.unsqueeze(-1)
        logits, targets = torch.where(inside, logits, 0.0), torch.where(inside, targets, 0.0)
    costs = binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(-1)
    return (costs if mask is None else torch.where(mask, costs, 0.0)).sum(0)
