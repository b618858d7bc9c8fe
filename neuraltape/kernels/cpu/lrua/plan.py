"""Sizes of the heads and of the memory, and what they look up. Plain integers; knows no tensors."""

from typing import NamedTuple

import numpy as np

from neuraltape.functional import LRUALayout
from neuraltape.kernels.cpu.lib.sizes import up
from neuraltape.kernels.spec import MachineSpec


class Sizes(NamedTuple):
    """What the kernels need beside the engine's sizes. "ld" is the distance of two rows."""

    ld_memory: int
    """The tiles, then the usage of every slot."""
    ld_notes: int
    """A step's notes are its read weights, then the slots that were least used."""
    ld_scratch: int
    slots: int
    tiles: int
    padded: int
    width: int
    heads: int
    usage: int
    """Where the usage begins behind the tiles, and so on."""
    least: int
    # Places of the parts in a row of activated head parameters.
    strength: int
    gate: int
    add: int


def sizes(spec: MachineSpec, vector: int) -> Sizes:
    """Lay out one sequence's memory and heads. vector: lanes of a vector."""
    heads, width = spec.layout.heads, spec.layout.width
    padded = up(spec.slots, vector)
    tiles = padded * (width + 1)
    return Sizes(
        ld_memory=tiles + padded,
        ld_notes=heads * padded + up(heads, vector),
        ld_scratch=3 * heads * padded + padded,
        slots=spec.slots,
        tiles=padded // vector,
        padded=padded,
        width=width,
        heads=heads,
        usage=tiles,
        least=heads * padded,
        strength=heads * width,
        gate=heads * width + heads,
        add=heads * width + 2 * heads,
    )


class Constants(NamedTuple):
    """What a call's kernels look up."""

    mask: np.ndarray
    """0 for slots, -inf for the padding."""
    decay: np.ndarray
    """What is left of a slot's usage after one step, one number."""


def constants(spec: MachineSpec, z: Sizes, dtype: np.dtype) -> Constants:
    """Make them for numbers of one kind."""
    mask = np.zeros(z.padded, dtype)
    mask[z.slots :] = -np.inf
    return Constants(mask, np.array([spec.layout.usage_decay], dtype))


def state_shapes(spec: MachineSpec, batch: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the state's tensors, in their order."""
    layout = spec.layout
    return {
        "memory": (batch, spec.slots, layout.width),
        "read_weights": (batch, layout.heads, spec.slots),
        "usage": (batch, spec.slots),
        "reads": (batch, layout.heads, layout.width),
    }


def to_numbers(layout: LRUALayout) -> tuple[float, ...]:
    """A layout as the numbers that an operator takes."""
    return layout.heads, layout.width, layout.usage_decay


def from_numbers(numbers: tuple[float, ...]) -> LRUALayout:
    """The inverse of `to_numbers`."""
    heads, width, decay = numbers
    return LRUALayout(int(heads), int(width), decay)
