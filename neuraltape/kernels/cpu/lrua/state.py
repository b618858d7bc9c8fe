"""The state of an LRUA machine into the kernels' rows and back, and gradients of it the same ways."""

import torch
from torch import Tensor

from neuraltape.functional import LRUAState
from neuraltape.functional.lrua import EMPTY
from neuraltape.kernels.cpu.lrua.plan import Sizes
from neuraltape.kernels.spec import MachineSpec


def to_tiles(memory: Tensor, z: Sizes) -> Tensor:
    """(batch, slots, width) into (batch, ld_memory): [tile][width + 1][slot in tile], the last vector 1 / length."""
    batch = len(memory)
    rows = memory.new_zeros(batch, z.padded, z.width + 1)
    rows[:, : z.slots, :-1] = memory
    rows[..., -1] = (rows[..., :-1].square().sum(-1) + EMPTY**2).rsqrt()
    return rows.view(batch, z.tiles, z.vector, z.width + 1).transpose(2, 3).reshape(batch, z.ld_memory)


def from_tiles(tiles: Tensor, z: Sizes) -> Tensor:
    """The inverse of `to_tiles`."""
    rows = tiles.view(-1, z.tiles, z.width + 1, z.vector)[:, :, :-1].transpose(2, 3)
    return rows.reshape(-1, z.padded, z.width)[:, : z.slots].contiguous()


def to_rows(weights: Tensor, z: Sizes) -> Tensor:
    """(batch, heads, slots) into (batch, ld_weights)."""
    padded = weights.new_zeros(len(weights), z.heads, z.padded)
    padded[..., : z.slots] = weights
    return padded.flatten(1)


def from_rows(rows: Tensor, z: Sizes) -> Tensor:
    """The inverse of `to_rows`."""
    return rows.view(-1, z.heads, z.padded)[..., : z.slots].contiguous()


def to_seen(reads: Tensor, hidden: Tensor, z: Sizes) -> Tensor:
    """Reads (..., heads, width) and hidden states (..., size) into (..., ld_seen)."""
    seen = reads.new_zeros(*reads.shape[:-2], z.ld_seen)
    seen[..., : z.heads * z.width] = reads.flatten(-2)
    seen[..., z.reads : z.reads + hidden.shape[-1]] = hidden
    return seen


def reads_of(seen: Tensor, z: Sizes) -> Tensor:
    """(..., heads, width)."""
    return seen[..., : z.heads * z.width].unflatten(-1, (z.heads, z.width)).contiguous()


def hidden_of(seen: Tensor, spec: MachineSpec, z: Sizes) -> Tensor:
    """(..., size)."""
    return seen[..., z.reads : z.reads + spec.hidden_size].contiguous()


def given_of(seen: Tensor, spec: MachineSpec, z: Sizes) -> Tensor:
    """Hidden states, then reads, (..., size + heads * width)."""
    return torch.cat([seen[..., z.reads : z.reads + spec.hidden_size], seen[..., : z.heads * z.width]], -1)


def to_hidden(cell: Tensor, z: Sizes) -> Tensor:
    """(batch, 1, size) into (batch, hidden)."""
    padded = cell.new_zeros(len(cell), z.hidden)
    padded[:, : cell.shape[-1]] = cell[:, 0]
    return padded


def load_state(
    spec: MachineSpec,
    z: Sizes,
    hidden: Tensor,
    cell: Tensor,
    access: LRUAState,
    cells: Tensor,
    seen: Tensor,
    memory: Tensor,
    weights: Tensor,
) -> Tensor:
    """Fill the rows before the first step; returns the usage, (batch, padded), for the kernels to change."""
    cells.copy_(to_hidden(cell, z))
    seen.copy_(to_seen(access.reads, hidden[:, 0], z))
    memory.copy_(to_tiles(access.memory, z))
    weights.copy_(to_rows(access.read_weights, z))
    usage = access.usage.new_zeros(len(access.usage), z.padded)
    usage[:, : z.slots] = access.usage
    return usage


def store_state(
    spec: MachineSpec, z: Sizes, cells: Tensor, seen: Tensor, memory: Tensor, weights: Tensor, usage: Tensor
) -> tuple[Tensor, Tensor, LRUAState]:
    """Hidden and cell state (batch, 1, size) and the access's state from the rows after the last step."""
    access = LRUAState(
        from_tiles(memory, z), from_rows(weights, z), usage[:, : z.slots].contiguous(), reads_of(seen, z)
    )
    return hidden_of(seen, spec, z).unsqueeze(1), cells[:, : spec.hidden_size].clone().unsqueeze(1), access
