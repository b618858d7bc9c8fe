"""A trace as bytes for the page: a header that lists its heads and their stages, and its numbers. Knows no machine.

The packed form: four bytes with the header's length (little-endian), the header as JSON, padded with spaces to a
multiple of four, then float32 numbers (little-endian), time first, of one sequence. The header's `arrays` say where
each array starts and its shape; whatever else in the header names an array has it from there.
"""

import json
import math
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from neuraltape.nn import Trace
from neuraltape.nn.intervention import bounds_of
from neuraltape.nn.trace import Head, Stage

# They give the bounds of a number, by its name.
Bounds = Callable[[str], tuple[float, float]]


def pack(trace: Trace, about: dict[str, Any], more: dict[str, Tensor] | None = None) -> bytes:
    """Pack a trace's first sequence.

    Args:
        trace: what happened.
        about: what else the page is to know; goes into the header.
        more: further arrays, (time, ...), by name.
    """
    arrays = {"input": trace.inputs[:, 0], "output": trace.outputs[:, 0]} | (more or {})
    if trace.memory is not None and trace.first_memory is not None:
        arrays |= {"memory": trace.memory[:, 0], "firstMemory": trace.first_memory[0]}
    heads = [_head(head, f"{i}", arrays, partial(bounds_of, trace)) for i, head in enumerate(trace.heads)]
    listed = {
        "machine": trace.machine,
        "heads": heads,
        "labels": None if trace.labels is None else list(trace.labels[0]),
    }
    places: dict[str, tuple[int, list[int]]] = {}
    parts, offset = [], 0
    for name, tensor in arrays.items():
        places[name] = offset, list(tensor.shape)
        parts.append(tensor.to(torch.float32).contiguous().numpy().astype("<f4", copy=False).tobytes())
        offset += tensor.numel()
    text = json.dumps(about | listed | {"arrays": places}, allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return b"".join([struct.pack("<I", len(text)), text, *parts])


def _head(head: Head, place: str, arrays: dict[str, Tensor], bounds: Bounds) -> dict[str, Any]:
    """What the header says about a head; puts its tensors among the arrays."""
    first = None
    if head.first is not None:
        first = f"{place}/first"
        arrays[first] = head.first[0]
    return {
        "name": head.name,
        "kind": head.kind,
        "first": first,
        "stages": [_stage(stage, f"{place}/{i}", arrays, bounds) for i, stage in enumerate(head.stages)],
        "vectors": [
            _number(name, each, f"{place}/{name}", arrays, bounds(name)) for name, each in head.vectors.items()
        ],
    }


def _stage(stage: Stage, place: str, arrays: dict[str, Tensor], bounds: Bounds) -> dict[str, Any]:
    arrays[f"{place}/weights"] = stage.weights[:, 0]
    numbers = []
    for name, tensor in stage.numbers.items():
        about = _number(name, tensor, f"{place}/{name}", arrays, bounds(name))
        numbers.append(about | {"ticks": list(stage.ticks[name]) if name in stage.ticks else None})
    return {"name": stage.name, "kind": stage.kind, "weights": f"{place}/weights", "numbers": numbers}


def _number(
    name: str, tensor: Tensor, place: str, arrays: dict[str, Tensor], bounds: tuple[float, float]
) -> dict[str, Any]:
    """A number's name, array, how many entries it has, and between which bounds it may be forced; null: none."""
    arrays[place] = tensor[:, 0]
    low, high = (bound if math.isfinite(bound) else None for bound in bounds)
    return {"name": name, "array": place, "size": tensor[0, 0].numel(), "low": low, "high": high}
