"""One LRUA sequence, forward and backward: buffers, PyTorch's products, the kernels between them. Knows no autograd."""

from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neuraltape.functional import LRUAState
from neuraltape.kernels.cpu.engine.run import addresses
from neuraltape.kernels.cpu.lrua.access import lrua_backward, lrua_forward
from neuraltape.kernels.cpu.lrua.cell import lstm_backward, lstm_forward
from neuraltape.kernels.cpu.lrua.job import StepJob
from neuraltape.kernels.cpu.lrua.plan import Packed, pack, sizes
from neuraltape.kernels.cpu.lrua.state import load_state, store_state
from neuraltape.kernels.spec import MachineSpec, Weights


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


def forward(
    inputs: Tensor,
    lengths: Tensor,
    weights: Weights,
    hidden: Tensor,
    cell: Tensor,
    access: LRUAState,
    spec: MachineSpec,
) -> tuple[Final, Saved]:
    """All steps. Arguments as of the reference, all of one dtype, on the CPU; lengths: (B,) int64."""
    time, batch, _ = inputs.shape
    z = sizes(spec, batch, inputs.element_size())
    packed, make = pack(weights, spec, z), inputs.new_empty
    inputs = inputs.contiguous()
    gates = torch.addmm(packed.bias, inputs.flatten(0, 1), packed.inputs.t()).view(time, batch, -1)
    # The kernels leave the padding of the reads as it is, and the products go over it.
    cells, seen = make(time + 1, batch, z.hidden), inputs.new_zeros(time + 1, batch, z.ld_seen)
    parameters, similar = make(time, batch, z.ld_parameters), make(time, batch, z.ld_weights)
    memory, read_weights = make(time + 1, batch, z.ld_memory), make(time + 1, batch, z.ld_weights)
    least = torch.zeros(time, batch, z.heads, dtype=torch.int64)
    usage = load_state(spec, z, hidden, cell, access, cells[0], seen[0], memory[0], read_weights[0])
    mask, item = _mask(z.slots, z.padded, inputs.dtype), inputs.element_size()
    decay = inputs.new_tensor([spec.layout.usage_decay])
    cell_step = StepJob(lstm_forward, z, item, tasks=1, work=0, table=addresses(lengths, gates, cells, seen))
    table = addresses(lengths, mask, parameters, memory, read_weights, usage, seen, similar, least, decay)
    access_step = StepJob(lrua_forward, z, item, tasks=batch, work=z.ld_weights, table=table)
    recurrent, interface = packed.seen.t(), packed.interface.t()
    for t in range(time):
        torch.addmm(gates[t], seen[t], recurrent, out=gates[t])
        cell_step(t)
        torch.addmm(packed.interface_bias, seen[t + 1, :, z.reads :], interface, out=parameters[t])
        access_step(t)
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


def backward(saved: Saved, slopes: Slopes, spec: MachineSpec, *, ragged: bool, wants_inputs: bool) -> tuple[Any, ...]:
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
    item = inputs.element_size()
    dgates, dparameters = torch.empty_like(saved.gates), torch.empty_like(saved.parameters)
    dseen, dhidden = slopes.last_seen, inputs.new_empty(batch, z.hidden)
    table = addresses(saved.lengths, saved.gates, saved.cells, dhidden, slopes.cell, dgates)
    cell_step = StepJob(lstm_backward, z, item, tasks=1, work=0, table=table)
    here = (saved.lengths, saved.parameters, saved.memory, saved.weights, saved.similar, saved.least)
    table = addresses(*here, dseen, slopes.memory, slopes.weights, dparameters)
    work = 2 * z.ld_weights + z.padded
    access_step = StepJob(lrua_backward, z, item, tasks=batch, work=work, table=table)
    for t in range(time - 1, -1, -1):
        dseen += slopes.seen[t]
        access_step(t)
        torch.addmm(dseen[:, z.reads :], dparameters[t], packed.interface, out=dhidden)
        cell_step(t)
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
