"""Small grey pictures, turned, bent and moved as they are drawn from a store of larger ones. Knows no task."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn import functional


class PictureInput(NamedTuple):
    """How a step's input holds a picture: its first channels are the pixels, row by row."""

    side: int
    """Pixels in a row and in a column."""
    low: float
    """The number that stands for no ink."""
    high: float
    """The number that stands for full ink."""
    late: int = 0
    """How many steps after a picture what belongs to it (its label) is shown: what is written then is about it."""


def turned(quarters: Float[Tensor, "*any"]) -> Float[Tensor, "*any 2 2"]:
    """The linear map that turns a picture about its middle, counter-clockwise, by so many quarters of a turn.

    Like every map here it says where each point comes from, with x to the right and y down.
    """
    angle = quarters * (math.pi / 2)
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)


def bent(shape: tuple[int, ...], most: float, generator: torch.Generator) -> Float[Tensor, "*any 2 2"]:
    """Random linear maps near the identity: each number differs from it by up to `most`. They stretch, shear, turn."""
    return torch.eye(2) + (torch.rand(*shape, 2, 2, generator=generator) * 2 - 1) * most


def take_pictures(
    store: UInt8[Tensor, "pictures large large"],
    index: Int[Tensor, " count"],
    maps: Float[Tensor, "count 2 2"],
    moves: Float[Tensor, "count 2"],
    side: int,
) -> Float[Tensor, "count side side"]:
    """Pictures of `side` x `side` pixels, from 0 (nothing) to 1.

    Args:
        store: pictures of twice that size, 0 to 255; beyond their edges there is nothing.
        index: which of them.
        maps: where each point of the result comes from, about the middle; see `turned` and `bent`.
        moves: how far each is then moved right and down, in shares of its side.
        side: pixels in a row and in a column of the result.

    With the identity and without a move each pixel is the mean of the four that it covers.
    """
    chosen = store[index].float().div_(255).unsqueeze(1)
    # The grid says where each pixel of the result comes from, in coordinates from -1 to 1.
    affine = torch.cat([maps, -2 * maps @ moves.unsqueeze(-1)], -1)
    grid = functional.affine_grid(affine, [len(index), 1, side, side], align_corners=False)
    return functional.grid_sample(chosen, grid, align_corners=False).squeeze(1)
