"""The order of slots, and products along it: each in a form that ONNX has, for a program that is exported there."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

# The largest are sought among numbers in steps of one over this. Rows that were empty when one head wrote to them hold
# multiples of the same vector, so that rounding alone would order their cosines, and in another way in each program.
STEPS = 2.0**16


def ascending(values: Float[Tensor, "batch slots"]) -> Int[Tensor, "batch slots"]:
    """The slots by rising values; of equal ones the lower number first."""
    if torch.onnx.is_in_onnx_export():
        # ONNX has no stable sort; of equal values its TopK takes the first first.
        return values.topk(values.shape[-1], largest=False).indices
    return values.argsort(dim=-1, stable=True)


def largest(values: Float[Tensor, "*rows slots"], count: int) -> Int[Tensor, "*rows count"]:
    """The slots of the largest values, the largest first; of equal ones the first. What is no number is the largest.

    Values that differ by less than 1.5e-5 may count as equal: they are ranked in steps of 1 / `STEPS`.
    """
    rank = ranks(values).nan_to_num(nan=torch.inf, posinf=torch.inf, neginf=-torch.inf)
    return rank.argsort(dim=-1, descending=True, stable=True)[..., :count]


def ranks(values: Float[Tensor, "*rows slots"]) -> Float[Tensor, "*rows slots"]:
    """Values in whole steps of 1 / `STEPS`, without a gradient."""
    return (values.detach() * STEPS + 0.5).floor()


def products(factors: Float[Tensor, "batch slots"]) -> Float[Tensor, "batch slots"]:
    """The product of each number and all before it."""
    if not torch.onnx.is_in_onnx_export():
        return factors.cumprod(-1)
    reach, slots = 1, factors.shape[-1]
    # Each is a product of twice as many factors after every turn.
    while reach < slots:
        factors = torch.cat([factors[:, :reach], factors[:, reach:] * factors[:, :-reach]], -1)
        reach *= 2
    return factors
