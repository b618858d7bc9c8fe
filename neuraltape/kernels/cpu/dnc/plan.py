"""Sizes of the heads and of the memory, and what they look up. Plain integers; knows no tensors."""

from typing import NamedTuple

import numpy as np

from neuraltape.functional import DNCLayout
from neuraltape.kernels.cpu.lib.sizes import up
from neuraltape.kernels.spec import MachineSpec


class Sizes(NamedTuple):
    """What the kernels need beside the engine's sizes. "ld" is the distance of two rows."""

    ld_memory: int
    """The tiles; with links, rows of links and the precedence."""
    ld_notes: int
    """A step's notes: read weights, write weights, usage and what follows below."""
    ld_scratch: int
    slots: int
    tiles: int
    padded: int
    width: int
    reading: int
    # What it has: 0 or 1.
    links: int
    masked: int
    wipe: int
    normed: int
    # Places in the memory, behind the tiles.
    link: int
    precedence: int
    # Places in the notes: write weights, usage, the slots by rising usage, what the write head's key matches; with
    # links what they lead to backward and forward, and what the read heads' keys match; with layer norm the normalised
    # row and one over its deviation.
    written: int
    used: int
    order: int
    same: int
    back: int
    on: int
    alike: int
    row: int
    # Places of the parts in a row of activated head parameters; the keys come first.
    mask: int
    strength: int
    erase: int
    add: int
    free: int
    allocation_gate: int
    write_gate: int
    modes: int


def sizes(spec: MachineSpec, vector: int) -> Sizes:
    """Lay out one sequence's memory and heads. vector: lanes of a vector."""
    layout = spec.layout
    starts = [0]
    for size in layout.sizes:
        starts.append(starts[-1] + size)
    reading, padded = layout.read_heads, up(spec.slots, vector)
    tiles = padded * (layout.width + 1)
    written = reading * padded
    back = written + 4 * padded
    on = back + reading * padded * layout.links
    alike = on + reading * padded * layout.links
    row = alike + reading * padded * layout.links
    return Sizes(
        ld_memory=tiles + (spec.slots + 1) * padded * layout.links,
        ld_notes=row + (up(layout.size, vector) + vector) * layout.layer_norm,
        ld_scratch=(5 * reading + 10) * padded + 2 * vector,
        slots=spec.slots,
        tiles=padded // vector,
        padded=padded,
        width=layout.width,
        reading=reading,
        links=int(layout.links),
        masked=int(layout.masked),
        wipe=int(layout.wipe),
        normed=int(layout.layer_norm),
        link=tiles,
        precedence=tiles + spec.slots * padded,
        written=written,
        used=written + padded,
        order=written + 2 * padded,
        same=written + 3 * padded,
        back=back,
        on=on,
        # Without links the read weights are what the keys match.
        alike=alike if layout.links else 0,
        row=row,
        mask=starts[1],
        strength=starts[2],
        erase=starts[3],
        add=starts[4],
        free=starts[5],
        allocation_gate=starts[6],
        write_gate=starts[7],
        modes=starts[8],
    )


class Constants(NamedTuple):
    """What a call's kernels look up."""

    mask: np.ndarray
    """0 for slots, -inf for the padding."""


def constants(spec: MachineSpec, z: Sizes, dtype: np.dtype) -> Constants:
    """Make them for numbers of one kind."""
    mask = np.zeros(z.padded, dtype)
    mask[z.slots :] = -np.inf
    return Constants(mask)


def state_shapes(spec: MachineSpec, batch: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the state's tensors, in their order."""
    layout, slots = spec.layout, spec.slots
    linked = slots if layout.links else 0
    return {
        "memory": (batch, slots, layout.width),
        "read_weights": (batch, layout.read_heads, slots),
        "write_weights": (batch, slots),
        "usage": (batch, slots),
        "link": (batch, linked, linked),
        "precedence": (batch, linked),
        "reads": (batch, layout.read_heads, layout.width),
    }


def to_numbers(layout: DNCLayout) -> tuple[float, ...]:
    """A layout as the numbers that an operator takes."""
    switches = layout.links, layout.masked, layout.wipe, layout.sharpen_links, layout.layer_norm
    return layout.read_heads, layout.width, *map(int, switches)


def from_numbers(numbers: tuple[float, ...]) -> DNCLayout:
    """The inverse of `to_numbers`."""
    reading, width, *switches = numbers
    return DNCLayout(int(reading), int(width), *map(bool, switches))


def why_not(layout: DNCLayout) -> str | None:
    """Why there are no kernels for a layout; None where there are."""
    return "there are no kernels for sharpened links" if layout.sharpen_links else None
