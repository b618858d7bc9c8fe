"""Sizes of the heads and of the memory, and what they look up. Plain integers; knows no tensors."""

from typing import NamedTuple

import numpy as np

from neuraltape.functional import InterfaceLayout
from neuraltape.kernels.cpu.lib.sizes import up
from neuraltape.kernels.spec import MachineSpec


class Sizes(NamedTuple):
    """What the heads' kernels need beside the engine's sizes. "ld" is the distance of two rows."""

    ld_memory: int
    ld_notes: int
    """A step's notes are its weightings: of the read heads, then of the write heads."""
    ld_scratch: int
    slots: int
    tiles: int
    padded: int
    width: int
    reading: int
    writing: int
    heads: int
    moves: int
    margin: int
    center: int
    ld_ring: int
    # Places of the parts in a row of activated head parameters.
    strength: int
    gate: int
    shift: int
    sharpness: int
    erase: int
    add: int


def moves(offsets: tuple[int, ...], slots: int) -> tuple[int, ...]:
    """Each offset as the shortest move around the ring."""
    shortest = (offset % slots for offset in offsets)
    return tuple(move - slots if move > slots // 2 else move for move in shortest)


def sizes(spec: MachineSpec, vector: int) -> Sizes:
    """Lay out one sequence's memory and heads. vector: lanes of a vector."""
    layout = spec.layout
    starts = [0]
    for size in layout.sizes:
        starts.append(starts[-1] + size)
    margin = max(abs(move) for move in moves(layout.offsets, spec.slots))
    # Whole vectors lie before a ring's first slot.
    center = up(margin, vector) + vector
    padded = up(spec.slots, vector)
    ld_ring = padded + 2 * center
    most = max(layout.read_heads, layout.write_heads)
    return Sizes(
        ld_memory=padded * layout.width + padded,
        ld_notes=layout.heads * padded,
        ld_scratch=2 * ld_ring + (most + 2) * padded + 2 * vector,
        slots=spec.slots,
        tiles=padded // vector,
        padded=padded,
        width=layout.width,
        reading=layout.read_heads,
        writing=layout.write_heads,
        heads=layout.heads,
        moves=len(layout.offsets),
        margin=margin,
        center=center,
        ld_ring=ld_ring,
        strength=starts[1],
        gate=starts[2],
        shift=starts[3],
        sharpness=starts[4],
        erase=starts[5],
        add=starts[6],
    )


class Constants(NamedTuple):
    """What a call's kernels look up."""

    mask: np.ndarray
    """0 for slots, -inf for the padding."""
    moves: np.ndarray
    """The offsets, each as its shortest move."""


def constants(spec: MachineSpec, z: Sizes, dtype: np.dtype) -> Constants:
    """Make them for numbers of one kind."""
    mask = np.zeros(z.padded, dtype)
    mask[z.slots :] = -np.inf
    return Constants(mask, np.array(moves(spec.layout.offsets, z.slots), dtype=np.int64))


def state_shapes(spec: MachineSpec, batch: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the state's tensors, in their order."""
    layout = spec.layout
    return {
        "memory": (batch, spec.slots, layout.width),
        "read_weights": (batch, layout.read_heads, spec.slots),
        "write_weights": (batch, layout.write_heads, spec.slots),
        "reads": (batch, layout.read_heads, layout.width),
    }


def to_numbers(layout: InterfaceLayout) -> tuple[float, ...]:
    """A layout as the numbers that an operator takes."""
    return layout.read_heads, layout.write_heads, layout.width, *layout.offsets


def from_numbers(numbers: tuple[float, ...]) -> InterfaceLayout:
    """The inverse of `to_numbers`."""
    reading, writing, width, *offsets = (int(number) for number in numbers)
    return InterfaceLayout(reading, writing, width, tuple(offsets))
