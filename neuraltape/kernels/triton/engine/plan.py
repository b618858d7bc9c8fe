"""Sizes and places, and which machines these kernels are for. Knows no Triton."""

from collections import namedtuple
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import torch

from neuraltape.functional.addressing import SMALLEST_NORM
from neuraltape.kernels.spec import MachineSpec
from neuraltape.kernels.triton.engine.access import plan_of
from neuraltape.kernels.triton.lib.sizes import power, up

# A sequence's memory lies in the registers of one program, filled up to powers of two. With this many numbers the way
# back of some machines spills a few registers: tests/kernels/triton/test_compile.py.
MEMORY_AT_MOST = 8192
# Threads of a program.
THREADS = 256

# How many products a layer has with what lies below it and with its own last output, and how many are kept.
PARTS = {"lstm": (4, 4, 4), "gru": (3, 3, 4), "feedforward": (1, 0, 1)}


class Sizes(NamedTuple):
    """What the kernels are compiled for, beside what the access adds."""

    cell: str
    hidden: int
    layers: int
    linear: int
    slots: int
    width: int
    parts: int
    """Products of a layer with what lies below it."""
    own_parts: int
    """Products of a layer with its own last output."""
    kept_parts: int
    """Numbers a unit that are kept for the way back, and gradients of products a unit."""
    readers: int
    """Heads that read."""
    reads: int
    """Numbers read: read heads * width."""
    row: int
    """The outputs of all layers and the reads, which lie in one row."""
    emitted: int
    """What the controller emits for the heads."""
    carried: int
    """Notes of a step that are parts of the state."""
    notes: int
    """All notes of a step."""
    block: int
    """Columns of a product at a time."""
    depth: int
    """Rows of a product at a time."""
    padded_slots: int
    padded_width: int
    padded_hidden: int
    padded_reads: int
    padded_emitted: int
    """Filled up to whole blocks; slots and width to powers of two."""
    hidden_up: int
    reads_up: int
    emitted_up: int
    rows_up: int
    own_rows_up: int
    """Rows of matrices filled up to whole depths."""
    smallest_norm: float
    tiny: float


def why_not(spec: MachineSpec) -> str | None:
    """Why there are no kernels for a machine; None where there are."""
    access = plan_of(spec.access)
    if access is None:
        return f"there are no kernels for the access {spec.access!r}"
    width = spec.layout.width
    numbers = power(spec.slots) * power(width)
    if numbers > MEMORY_AT_MOST:
        return (
            f"a program keeps a memory of at most {MEMORY_AT_MOST} numbers in registers, and {spec.slots} slots of "
            f"{width}, each filled up to a power of two, have {numbers}"
        )
    return access.why_not(spec)


def state_shapes(spec: MachineSpec) -> dict[str, tuple[int, ...]]:
    """Names and shapes of one sequence's part of the access's state."""
    return {name: shape[1:] for name, shape in plan_of(spec.access).state_shapes(spec, 1).items()}


# The access's sizes are those of its own class; all lie in one record, so that a kernel finds each by its name.
@lru_cache(maxsize=256)
def sizes(spec: MachineSpec, dtype: torch.dtype) -> Any:
    """The sizes of a machine: `Sizes`, and those of its access."""
    layout: Any = spec.layout
    hidden, width = spec.hidden_size, layout.width
    parts, own_parts, kept_parts = PARTS[spec.cell]
    reads, emitted = layout.read_heads * width, layout.size
    own = plan_of(spec.access).sizes(spec, dtype)
    carried = sum(map(prod, list(state_shapes(spec).values())[1:-1]))
    block = min(128, power(max(hidden, reads)))
    depth = 8
    padded = up(hidden, block), up(reads, block), up(emitted, block)
    rows_up = (up(size, depth) for size in (hidden, reads, emitted, parts * hidden, own_parts * hidden))
    numbers: list[Any] = [
        spec.cell, hidden, spec.layers, spec.linear_units, spec.slots, width, parts, own_parts, kept_parts,
        layout.read_heads, reads, spec.layers * hidden + reads, emitted, carried, carried + own.left, block, depth,
        power(spec.slots), power(width), *padded, *rows_up, SMALLEST_NORM, torch.finfo(dtype).tiny,
    ]  # fmt: skip
    return namedtuple("AllSizes", (*Sizes._fields, *own._fields))(*numbers, *own)


def segment_of(time: int) -> int:
    """Steps from one kept memory to the next: about the root of all, so that few are kept and few replayed."""
    return max(8, power(round(time**0.5)))
