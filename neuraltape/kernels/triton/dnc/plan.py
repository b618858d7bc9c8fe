"""Sizes and places of the heads, and which of them have kernels. Knows no Triton."""

from typing import NamedTuple

import torch

from neuraltape.functional import DNCState
from neuraltape.functional.allocation import LEAST_USAGE
from neuraltape.functional.dnc import MASK_FLOOR, NORM_EPS
from neuraltape.kernels.spec import MachineSpec
from neuraltape.kernels.triton.lib.sizes import power

STATE = DNCState
NO_GRADIENT = ()


class Sizes(NamedTuple):
    """What the heads are compiled for, beside the engine's sizes."""

    left: int
    room: int
    masked: int
    wipe: int
    normed: int
    written: int
    usage: int
    taken: int
    deviation: int
    """Where the notes' parts begin, behind the read weights: the write weights, the usage, what is taken of all slots
    that come before each, and one over the raw row's deviation."""
    mask: int
    strength: int
    erase: int
    add: int
    free: int
    allocation_gate: int
    write_gate: int
    """Where the parts of the raw parameters begin; keys come first."""
    compared: int
    """Slots that each slot's usage is compared with at a time."""
    normalised: int
    """The raw row, filled up to a power of two."""
    least_usage: float
    mask_floor: float
    norm_eps: float


def sizes(spec: MachineSpec, dtype: torch.dtype) -> Sizes:
    """Lay out the heads."""
    layout, slots = spec.layout, spec.slots
    starts = [sum(layout.sizes[:i]) for i in range(1, 8)]
    read = layout.read_heads * slots
    places = read, read + slots, read + 2 * slots, read + 3 * slots
    switches = int(layout.masked), int(layout.wipe), int(layout.layer_norm)
    numbers = min(16, power(slots)), power(layout.size), LEAST_USAGE, MASK_FLOOR, NORM_EPS
    return Sizes._make((slots + 1, slots, *switches, *places, *starts, *numbers))


def state_shapes(spec: MachineSpec, batch: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the state's tensors, in their order; without links two have no numbers."""
    layout, slots = spec.layout, spec.slots
    return {
        "memory": (batch, slots, layout.width),
        "read_weights": (batch, layout.read_heads, slots),
        "write_weights": (batch, slots),
        "usage": (batch, slots),
        "link": (batch, 0, 0),
        "precedence": (batch, 0),
        "reads": (batch, layout.read_heads, layout.width),
    }


def why_not(spec: MachineSpec) -> str | None:
    """Why there are no kernels for these heads; None where there are."""
    return "there are no kernels for a DNC with links; links=False has some" if spec.layout.links else None
