"""Sizes and places of the heads. Knows no Triton."""

from typing import NamedTuple

import torch

from neuraltape.functional import LRUAState
from neuraltape.functional.lrua import EMPTY
from neuraltape.kernels.spec import MachineSpec

STATE = LRUAState
NO_GRADIENT = ("usage",)


class Sizes(NamedTuple):
    """What the heads are compiled for, beside the engine's sizes."""

    left: int
    room: int
    heads: int
    usage: int
    least: int
    """Where the notes' parts begin, behind the read weights: the usage, then the slots that the heads were given."""
    strength: int
    gate: int
    add: int
    """Where the parts of the raw parameters begin; keys come first."""
    decay: float
    empty_square: float


def sizes(spec: MachineSpec, dtype: torch.dtype) -> Sizes:
    """Lay out the heads."""
    layout = spec.layout
    heads, usage = layout.heads, layout.heads * spec.slots
    starts = [sum(layout.sizes[:i]) for i in range(1, 4)]
    return Sizes._make((heads, usage, heads, usage, usage + spec.slots, *starts, layout.usage_decay, EMPTY**2))


def state_shapes(spec: MachineSpec, batch: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the state's tensors, in their order."""
    layout = spec.layout
    return {
        "memory": (batch, spec.slots, layout.width),
        "read_weights": (batch, layout.heads, spec.slots),
        "usage": (batch, spec.slots),
        "reads": (batch, layout.heads, layout.width),
    }


def why_not(spec: MachineSpec) -> str | None:
    """Why there are no kernels for these heads; None where there are."""
    heads, slots = spec.layout.heads, spec.slots
    return None if heads <= slots else f"each of the {heads} heads is given a slot of its own, and there are {slots}"
