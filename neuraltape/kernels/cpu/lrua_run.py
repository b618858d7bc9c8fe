"""One LRUA sequence, forward and backward: buffers, PyTorch's products, the kernels between them. Knows no autograd."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from neuraltape.functional import LRUAState
from neuraltape.kernels.cpu import threads
from neuraltape.kernels.cpu.lrua_access import lrua_backward, lrua_forward
from neuraltape.kernels.cpu.lrua_cell import lstm_backward, lstm_forward
from neuraltape.kernels.cpu.lrua_plan import Packed, Sizes, pack, record, sizes
from neuraltape.kernels.cpu.lrua_state import load_state, store_state
from neuraltape.kernels.cpu.run import addresses
from neuraltape.kernels.spec import LRUASpec, Weights

# Sequences that a thread takes at once.
_BLOCK = 4


class Saved(NamedTuple):
    """Everything that the backward pass needs; T steps, B sequences, rows padded as in `Sizes`."""

    packed: Packed
    inputs: Tensor
    """(T, B, input)."""
    lengths: Tensor
    """(B,) int64."""
    gates: Tensor
    """Activated, (T, B, 4 hidden)."""
    cells: Tensor
    """(T + 1, B, hidden)."""
    seen: Tensor
    """[reads | hidden] before the first step and after each, (T + 1, B, ld_seen)."""
    parameters: Tensor
    """Activated, (T, B, ld_parameters)."""
    memory: Tensor
    """(T + 1, B, ld_memory)."""
    weights: Tensor
    """Read weights, (T + 1, B, ld_weights)."""
    similar: Tensor
    """Cosines, (T, B, ld_weights)."""
    least: Tensor
    """Least-used slots, (T, B, heads) int64."""


class Final(NamedTuple):
    """The state at the sequences' ends."""

    hidden: Tensor
    cell: Tensor
    access: LRUAState


@lru_cache(maxsize=64)
def _mask(slots: int, padded: int, dtype: torch.dtype) -> Tensor:
    """0 for slots, -inf for the padding."""
    return torch.where(torch.arange(padded) < slots, 0.0, -torch.inf).to(dtype)


def _spare(z: Sizes, dtype: torch.dtype) -> Any:
    """What tells the kernels the buffers' type."""
    return np.empty(0, np.float32 if dtype == torch.float32 else np.float64)


def forward(
    inputs: Tensor, lengths: Tensor, weights: Weights, hidden: Tensor, cell: Tensor, access: LRUAState, spec: LRUASpec
) -> tuple[Final, Saved]:
    """All steps. Arguments as of the reference, all of one dtype, on the CPU; lengths: (B,) int64."""
    time, batch, _ = inputs.shape
    z = sizes(spec, batch, inputs.element_size())
    places, packed, make = record(z), pack(weights, spec, z), inputs.new_empty
    inputs = inputs.contiguous()
    gates = torch.addmm(packed.bias, inputs.flatten(0, 1), packed.inputs.t()).view(time, batch, -1)
    # The kernels leave the padding of the reads as it is, and the products go over it.
    cells, seen = make(time + 1, batch, z.hidden), inputs.new_zeros(time + 1, batch, z.ld_seen)
    parameters, similar = make(time, batch, z.ld_parameters), make(time, batch, z.ld_weights)
    memory, read_weights = make(time + 1, batch, z.ld_memory), make(time + 1, batch, z.ld_weights)
    least = torch.zeros(time, batch, z.heads, dtype=torch.int64)
    usage = load_state(spec, z, hidden, cell, access, cells[0], seen[0], memory[0], read_weights[0])
    mask, spare = _mask(z.slots, z.padded, inputs.dtype), _spare(z, inputs.dtype)
    of_cell = np.array(addresses(lengths, gates, cells, seen))
    of_access = np.array(addresses(lengths, mask, parameters, memory, read_weights, usage, seen, similar, least))
    recurrent, interface = packed.seen.t(), packed.interface.t()
    for t in range(time):
        torch.addmm(gates[t], seen[t], recurrent, out=gates[t])
        lstm_forward(places, t, of_cell, spare)
        torch.addmm(packed.interface_bias, seen[t + 1, :, z.reads :], interface, out=parameters[t])

        def block(number: int, t: int = t) -> None:
            first = number * _BLOCK
            last = min(first + _BLOCK, batch)
            room = threads.room(z.ld_weights, spare.dtype)
            lrua_forward(places, t, first, last, of_access, room, spec.layout.usage_decay)

        threads.run(block, -(-batch // _BLOCK))
    final = store_state(spec, z, cells[time], seen[time], memory[time], read_weights[time], usage)
    saved = Saved(packed, inputs, lengths, gates, cells, seen, parameters, memory, read_weights, similar, least)
    return Final(*final), saved


class Slopes(NamedTuple):
    """Gradients that come from outside; in rows padded as in `Sizes`, 0 where a sequence has ended."""

    seen: Tensor
    """Of reads and hidden state at every step, (T, B, ld_seen)."""
    last_seen: Tensor
    """Of the final ones, (B, ld_seen)."""
    cell: Tensor
    """(B, hidden)."""
    memory: Tensor
    """(B, ld_memory)."""
    weights: Tensor
    """(B, ld_weights)."""


def backward(saved: Saved, slopes: Slopes, spec: LRUASpec, *, ragged: bool, wants_inputs: bool) -> tuple[Any, ...]:
    """Backward of `forward`; changes `slopes`.

    Args:
        ragged: some sequence is shorter than the others.
        wants_inputs: whether the gradient of the inputs is asked for.

    Returns:
        Gradients of the inputs (or None), of the parameters (`Packed`), and of the state before the first step as
        `slopes` holds it: [reads | hidden], cell, memory, weights.
    """
    packed, inputs = saved.packed, saved.inputs
    time, batch, _ = inputs.shape
    z = sizes(spec, batch, inputs.element_size())
    places, spare = record(z), _spare(z, inputs.dtype)
    dgates, dparameters = torch.empty_like(saved.gates), torch.empty_like(saved.parameters)
    dseen, dhidden = slopes.last_seen, inputs.new_empty(batch, z.hidden)
    of_cell = np.array(addresses(saved.lengths, saved.gates, saved.cells, dhidden, slopes.cell, dgates))
    here = (saved.lengths, saved.parameters, saved.memory, saved.weights, saved.similar, saved.least)
    of_access = np.array(addresses(*here, dseen, slopes.memory, slopes.weights, dparameters))
    for t in range(time - 1, -1, -1):
        dseen += slopes.seen[t]

        def block(number: int, t: int = t) -> None:
            first = number * _BLOCK
            last = min(first + _BLOCK, batch)
            room = threads.room(2 * z.ld_weights + z.padded, spare.dtype)
            lrua_backward(places, t, first, last, of_access, room)

        threads.run(block, -(-batch // _BLOCK))
        torch.addmm(dseen[:, z.reads :], dparameters[t], packed.interface, out=dhidden)
        lstm_backward(places, t, of_cell, spare)
        if ragged:
            alive = (t < saved.lengths).unsqueeze(-1)
            dseen.copy_(torch.where(alive, dgates[t] @ packed.seen, dseen))
        else:
            torch.mm(dgates[t], packed.seen, out=dseen)
    rows, heads = dgates.flatten(0, 1), dparameters.flatten(0, 1)
    before, hidden = saved.seen[:-1].flatten(0, 1), saved.seen[1:, :, z.reads :].flatten(0, 1)
    gradients = Packed(
        rows.t() @ inputs.flatten(0, 1), rows.t() @ before, rows.sum(0), heads.t() @ hidden, heads.sum(0)
    )
    dinputs = (rows @ packed.inputs).view_as(inputs) if wants_inputs else None
    return dinputs, gradients, dseen, slopes.cell, slopes.memory, slopes.weights
