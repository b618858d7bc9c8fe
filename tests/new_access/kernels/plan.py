"""Sizes of a wheel."""

from typing import NamedTuple

from neuraltape.functional.wheel import WheelLayout


class Sizes(NamedTuple):
    """What the kernels need beside the engine's sizes."""

    ld_memory: int
    ld_notes: int
    ld_scratch: int
    slots: int
    width: int


class Constants(NamedTuple):
    """Nothing is looked up."""


def sizes(spec, vector):
    """Lay out one sequence's memory; its notes are the focus."""
    slots, width = spec.slots, spec.layout.width
    return Sizes(slots * width, slots, slots, slots, width)


def constants(spec, sizes, dtype):
    """None."""
    return Constants()


def state_shapes(spec, batch):
    """Names and shapes of the state's tensors, in their order."""
    slots, width = spec.slots, spec.layout.width
    return {"memory": (batch, slots, width), "weights": (batch, 1, slots), "reads": (batch, 1, width)}


def to_numbers(layout):
    """A layout as the numbers that an operator takes."""
    return (layout.width,)


def from_numbers(numbers):
    """The inverse of `to_numbers`."""
    return WheelLayout(int(numbers[0]))
