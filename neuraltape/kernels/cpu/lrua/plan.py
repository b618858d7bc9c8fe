"""Sizes of one call of the LRUA kernels, and its parameters as they take them. Every row is padded to whole vectors."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from neuraltape.kernels.cpu.lib.vector import VECTOR_BYTES
from neuraltape.kernels.spec import MachineSpec, Weights


class Sizes(NamedTuple):
    """All sizes that the kernels need; "ld" is the distance of two rows."""

    batch: int
    vector: int
    slots: int
    tiles: int
    padded: int
    width: int
    heads: int
    hidden: int
    """Of the controller, padded: the distance of two gates too."""
    reads: int
    """heads * width, padded: the hidden state's place in a row of what the controller sees."""
    ld_seen: int
    """[reads | hidden]."""
    ld_memory: int
    ld_weights: int
    strength: int
    gate: int
    add: int
    ld_parameters: int
    """[key | add | strength, gate]; the key's place is 0."""


@lru_cache(maxsize=256)
def sizes(spec: MachineSpec, batch: int, item_size: int) -> Sizes:
    """Lay out one call. `item_size`: bytes a number."""
    vector = VECTOR_BYTES // item_size
    heads, width = spec.layout.heads, spec.layout.width
    tiles = -(-spec.slots // vector)
    hidden, reads = _up(spec.hidden_size, vector), _up(heads * width, vector)
    return Sizes(
        batch=batch,
        vector=vector,
        slots=spec.slots,
        tiles=tiles,
        padded=tiles * vector,
        width=width,
        heads=heads,
        hidden=hidden,
        reads=reads,
        ld_seen=reads + hidden,
        ld_memory=tiles * (width + 1) * vector,
        ld_weights=heads * tiles * vector,
        strength=2 * reads,
        gate=2 * reads + heads,
        add=reads,
        ld_parameters=2 * reads + _up(2 * heads, vector),
    )


SIZES_KIND = np.dtype([(name, np.int64) for name in Sizes._fields])


@lru_cache(maxsize=256)
def record(z: Sizes) -> np.ndarray:
    """The same as a NumPy record: the kernels take it by its address."""
    return np.array([tuple(z)], SIZES_KIND)


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


class Packed(NamedTuple):
    """The parameters, or their gradients, with padded rows and columns that are 0."""

    inputs: Tensor
    """(4 hidden, input)."""
    seen: Tensor
    """(4 hidden, ld_seen)."""
    bias: Tensor
    """(4 hidden,): both biases of the LSTM together."""
    interface: Tensor
    """(ld_parameters, hidden)."""
    interface_bias: Tensor
    """(ld_parameters,)."""


def pack(weights: Weights, spec: MachineSpec, z: Sizes) -> Packed:
    """Bring the parameters into the kernels' order."""
    weight_ih, weight_hh, bias_ih, bias_hh = weights.controller
    size, reads, hidden = spec.input_size, spec.layout.heads * spec.layout.width, spec.hidden_size
    make = weight_ih.new_zeros
    inputs, seen, bias = make(4, z.hidden, size), make(4, z.hidden, z.ld_seen), make(4, z.hidden)
    inputs[:, :hidden] = weight_ih[:, :size].unflatten(0, (4, hidden))
    seen[:, :hidden, :reads] = weight_ih[:, size:].unflatten(0, (4, hidden))
    seen[:, :hidden, z.reads : z.reads + hidden] = weight_hh.unflatten(0, (4, hidden))
    bias[:, :hidden] = (bias_ih + bias_hh).unflatten(0, (4, hidden))
    interface, interface_bias = make(z.ld_parameters, z.hidden), make(z.ld_parameters)
    for place, part in _parts(spec, z):
        interface[place, :hidden] = weights.interface_weight[part]
        interface_bias[place] = weights.interface_bias[part]
    return Packed(inputs.flatten(0, 1), seen.flatten(0, 1), bias.flatten(), interface, interface_bias)


def unpack(gradients: Packed, spec: MachineSpec, z: Sizes) -> list[Tensor]:
    """Gradients in the order and shapes of the parameters, LSTM first."""
    size, reads, hidden = spec.input_size, spec.layout.heads * spec.layout.width, spec.hidden_size
    inputs, seen = (each.unflatten(0, (4, z.hidden))[:, :hidden] for each in gradients[:2])
    weight_ih = torch.cat([inputs, seen[..., :reads]], -1).flatten(0, 1)
    weight_hh = seen[..., z.reads : z.reads + hidden].flatten(0, 1)
    bias = gradients.bias.view(4, z.hidden)[:, :hidden].flatten()
    interface = weight_ih.new_empty(spec.layout.size, hidden)
    interface_bias = weight_ih.new_empty(spec.layout.size)
    for place, part in _parts(spec, z):
        interface[part] = gradients.interface[place, :hidden]
        interface_bias[part] = gradients.interface_bias[place]
    assert weight_ih.shape[1] == size + reads
    return [weight_ih, weight_hh, bias, bias.clone(), interface, interface_bias]


def _parts(spec: MachineSpec, z: Sizes) -> list[tuple[slice, slice]]:
    """Where each part of a row of head parameters lies here, and where in `LRUALayout`."""
    starts = (0, z.strength, z.gate, z.add)
    parts, begin = [], 0
    for start, size in zip(starts, spec.layout.sizes, strict=True):
        parts.append((slice(start, start + size), slice(begin, begin + size)))
        begin += size
    return parts
