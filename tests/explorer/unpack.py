"""The packed form, taken apart as the page does."""

import json
import struct

import numpy as np


def unpack(data: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    (length,) = struct.unpack("<I", data[:4])
    header = json.loads(data[4 : 4 + length])
    numbers = np.frombuffer(data[4 + length :], "<f4")
    arrays = {}
    for name, (offset, shape) in header["arrays"].items():
        arrays[name] = numbers[offset : offset + int(np.prod(shape))].reshape(shape)
    return header, arrays


def stage_of(header: dict, arrays: dict[str, np.ndarray], head: str, stage: str) -> np.ndarray:
    """A weighting, (time, slots), by the names of head and stage."""
    (found,) = [
        each["weights"]
        for listed in header["heads"]
        if listed["name"] == head
        for each in listed["stages"]
        if each["name"] == stage
    ]
    return arrays[found]
