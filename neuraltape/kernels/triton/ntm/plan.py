"""Sizes and places of the heads, and which of them have kernels. Knows no Triton."""

from typing import NamedTuple

import torch

from neuraltape.functional import AccessState
from neuraltape.kernels.spec import MachineSpec
from neuraltape.kernels.triton.lib.sizes import power

STATE = AccessState
NO_GRADIENT = ()
# Each move is written out in the code.
MOVES_AT_MOST = 15


class Sizes(NamedTuple):
    """What the heads are compiled for, beside the engine's sizes."""

    left: int
    room: int
    heads: int
    writers: int
    moves: int
    padded_moves: int
    offsets: tuple[int, ...]
    """The moves, from 0 to slots - 1."""
    offsets_back: tuple[int, ...]
    """The same, the other way around the ring."""
    strength: int
    gate: int
    shift: int
    sharpness: int
    erase: int
    add: int
    """Where the parts of the raw parameters begin; keys come first."""


def sizes(spec: MachineSpec, dtype: torch.dtype) -> Sizes:
    """Lay out the heads. Notes are all heads' weights."""
    layout, slots = spec.layout, spec.slots
    starts = [sum(layout.sizes[:i]) for i in range(1, 7)]
    offsets = tuple(offset % slots for offset in layout.offsets)
    back = tuple(-offset % slots for offset in layout.offsets)
    writers, moves = layout.write_heads, len(offsets)
    return Sizes(0, writers * slots, layout.heads, writers, moves, power(moves), offsets, back, *starts)


def state_shapes(spec: MachineSpec, batch: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the state's tensors, in their order."""
    layout = spec.layout
    return {
        "memory": (batch, spec.slots, layout.width),
        "read_weights": (batch, layout.read_heads, spec.slots),
        "write_weights": (batch, layout.write_heads, spec.slots),
        "reads": (batch, layout.read_heads, layout.width),
    }


def why_not(spec: MachineSpec) -> str | None:
    """Why there are no kernels for these heads; None where there are."""
    moves = len(spec.layout.offsets)
    return (
        None if moves <= MOVES_AT_MOST else f"a head can make at most {MOVES_AT_MOST} moves, and this one makes {moves}"
    )
