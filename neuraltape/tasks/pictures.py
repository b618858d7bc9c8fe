"""Small grey pictures, turned and moved a little as they are drawn from a store of larger ones. Knows no task."""

import math

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn import functional


def take_pictures(
    store: UInt8[Tensor, "pictures large large"],
    index: Int[Tensor, " count"],
    turns: Float[Tensor, " count"],
    moves: Float[Tensor, "count 2"],
    side: int,
) -> Float[Tensor, "count side side"]:
    """Pictures of `side` x `side` pixels, from 0 (nothing) to 1.

    Args:
        store: pictures of twice that size, 0 to 255; beyond their edges there is nothing.
        index: which of them.
        turns: how far each is turned about its middle, counter-clockwise, in quarters of a turn.
        moves: how far each is then moved right and down, in shares of its side.
        side: pixels in a row and in a column of the result.

    Without turn and move each pixel is the mean of the four that it covers.
    """
    chosen = store[index].float().div_(255)
    angle = (turns * (math.pi / 2)).view(-1, 1, 1)
    cos, sin = angle.cos(), angle.sin()
    # Each pixel of the result, and where it comes from, in coordinates from -1 to 1: x to the right, y down.
    along = (torch.arange(side) * 2 + 1) / side - 1
    right, down = along - 2 * moves[:, 0].view(-1, 1, 1), along.unsqueeze(-1) - 2 * moves[:, 1].view(-1, 1, 1)
    grid = torch.stack([cos * right - sin * down, sin * right + cos * down], -1)
    return functional.grid_sample(chosen.unsqueeze(1), grid, align_corners=False).squeeze(1)
