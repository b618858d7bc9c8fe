"""The order of slots, and products along it: each in a form that ONNX has, for a program that is exported there."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def ascending(values: Float[Tensor, "batch slots"]) -> Int[Tensor, "batch slots"]:
    """The slots by rising values; of equal ones the lower number first."""
    if torch.onnx.is_in_onnx_export():
        # ONNX has no stable sort; of equal values its TopK takes the first first.
        return values.topk(values.shape[-1], largest=False).indices
    return values.argsort(dim=-1, stable=True)


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
