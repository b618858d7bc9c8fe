"""Sizes and places, and which machines these kernels are for. Knows no Triton."""

from functools import lru_cache
from typing import Any, NamedTuple

import torch

from neuraltape.functional.addressing import SMALLEST_NORM
from neuraltape.kernels.spec import MachineSpec

# A sequence's memory lies in the registers of one program, filled up to powers of two. With this many numbers the way
# back spills a few registers: tests/kernels/triton/test_compile.py.
MEMORY_AT_MOST = 8192
# Each move is written out in the code.
MOVES_AT_MOST = 15
# Threads of a program.
THREADS = 256

# How many products a layer has with what lies below it and with its own last output, and how many are kept.
PARTS = {"lstm": (4, 4, 4), "gru": (3, 3, 4), "feedforward": (1, 0, 1)}


class Sizes(NamedTuple):
    """What the kernels are compiled for."""

    cell: str
    hidden: int
    layers: int
    linear: int
    slots: int
    width: int
    readers: int
    writers: int
    moves: int
    offsets: tuple[int, ...]
    """The moves, from 0 to slots - 1."""
    offsets_back: tuple[int, ...]
    """The same, the other way around the ring."""
    parts: int
    """Products of a layer with what lies below it."""
    own_parts: int
    """Products of a layer with its own last output."""
    kept_parts: int
    """Numbers a unit that are kept for the way back, and gradients of products a unit."""
    heads: int
    reads: int
    """Numbers read: read heads * width."""
    row: int
    """The outputs of all layers and the reads, which lie in one row."""
    emitted: int
    """What the controller emits for the heads. Then where its parts begin; keys come first."""
    strength: int
    gate: int
    shift: int
    sharpness: int
    erase: int
    add: int
    block: int
    """Columns of a product at a time."""
    depth: int
    """Rows of a product at a time."""
    padded_slots: int
    padded_width: int
    padded_moves: int
    padded_hidden: int
    padded_reads: int
    padded_emitted: int
    """Filled up to whole blocks; slots, width and moves to powers of two."""
    hidden_up: int
    reads_up: int
    emitted_up: int
    rows_up: int
    own_rows_up: int
    """Rows of matrices filled up to whole depths."""
    smallest_norm: float
    tiny: float


def why_not(spec: MachineSpec) -> str | None:
    """Why there are no kernels for a machine of these sizes; None where there are."""
    layout = spec.layout
    numbers = _power(spec.slots) * _power(layout.width)
    if numbers > MEMORY_AT_MOST:
        return (
            f"a program keeps a memory of at most {MEMORY_AT_MOST} numbers in registers, and {spec.slots} slots of "
            f"{layout.width}, each filled up to a power of two, have {numbers}"
        )
    if len(layout.offsets) > MOVES_AT_MOST:
        return f"a head can make at most {MOVES_AT_MOST} moves, and this one makes {len(layout.offsets)}"
    return None


@lru_cache(maxsize=256)
def sizes(spec: MachineSpec, dtype: torch.dtype) -> Sizes:
    """The sizes of a machine."""
    layout: Any = spec.layout
    hidden, width, heads = spec.hidden_size, layout.width, layout.heads
    parts, own_parts, kept_parts = PARTS[spec.cell]
    reads, emitted = layout.read_heads * width, layout.size
    starts = [0]
    for size in layout.sizes:
        starts.append(starts[-1] + size)
    block = min(128, _power(max(hidden, reads)))
    depth = 8
    offsets = tuple(offset % spec.slots for offset in layout.offsets)
    back = tuple(-offset % spec.slots for offset in layout.offsets)
    padded = _up(hidden, block), _up(reads, block), _up(emitted, block)
    up = (_up(size, depth) for size in (hidden, reads, emitted, parts * hidden, own_parts * hidden))
    numbers: list[Any] = [
        spec.cell, hidden, spec.layers, spec.linear_units, spec.slots, width, layout.read_heads, layout.write_heads,
        len(offsets), offsets, back, parts, own_parts, kept_parts, heads, reads, spec.layers * hidden + reads, emitted,
        *starts[1:7], block, depth, _power(spec.slots), _power(width), _power(len(offsets)), *padded, *up,
        SMALLEST_NORM, torch.finfo(dtype).tiny,
    ]  # fmt: skip
    return Sizes(*numbers)


def segment_of(time: int) -> int:
    """Steps from one kept memory to the next: about the root of all, so that few are kept and few replayed."""
    return max(8, _power(round(time**0.5)))


def _power(number: int) -> int:
    """The smallest power of two that is at least so large, and at least 2."""
    return max(2, 1 << (number - 1).bit_length())


def _up(number: int, to: int) -> int:
    return -(-number // to) * to
