"""One call of the sequence kernels: buffers, threads, results. Knows tensors, but nothing of autograd."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from neuraltape.kernels.cpu import threads
from neuraltape.kernels.cpu.backward import backward_lane
from neuraltape.kernels.cpu.forward import forward_block
from neuraltape.kernels.cpu.plan import Places, moves, places
from neuraltape.kernels.cpu.simd import VECTOR_BYTES
from neuraltape.kernels.cpu.weights import pack_backward, pack_forward, unpack_gradients
from neuraltape.kernels.spec import MachineSpec


_SMALL = 2**16


@lru_cache(maxsize=256)
def constants(spec: MachineSpec, z: Places, dtype: torch.dtype) -> tuple[np.ndarray, np.ndarray, float]:
    """The mask of the padding, the moves, and the smallest normal number."""
    kind = np.float32 if dtype == torch.float32 else np.float64
    mask = np.zeros(z.padded, kind)
    mask[z.slots :] = -np.inf
    return mask, np.array(moves(spec.layout.offsets, spec.slots)), float(torch.finfo(dtype).tiny)


def flat(tensor: Tensor) -> np.ndarray:
    """All numbers of a tensor in order, without a copy where possible."""
    return tensor.detach().reshape(-1).contiguous().numpy()


def _by_length(lengths: Tensor | None, time: int, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Order of the sequences, longest first, and their lengths."""
    if lengths is None:
        return np.arange(batch), np.full(batch, time)
    values = lengths.to(torch.int64).contiguous().numpy()
    return np.argsort(-values, kind="stable"), values


def sequence_forward(
    inputs: Tensor, lengths: Tensor | None, weights: list[Tensor], state: list[Tensor], spec: MachineSpec, *, keep: bool
) -> tuple[Tensor, Tensor, list[Tensor], Tensor]:
    """Whole sequence forward.

    Args:
        state: hidden, cell, memory, read weights, write weights, reads; empty tensors for what the cell does not have.
        keep: save what `sequence_backward` needs.

    Returns:
        hidden, reads, the final state, and what was saved.
    """
    time, batch = inputs.shape[:2]
    z = places(spec, time, batch, VECTOR_BYTES // inputs.element_size(), keep=keep)
    make = inputs.new_empty if lengths is None else inputs.new_zeros
    hidden = make(time, batch, spec.hidden_size)
    reads = make(time, batch, spec.layout.read_heads, spec.layout.width)
    final = [inputs.new_empty(tensor.shape) for tensor in state]
    # What opcheck and the like compare must be the same every time, unused places too; that costs nothing when small.
    room = z.blocks * z.saved_block
    saved = inputs.new_zeros(room) if room < _SMALL else inputs.new_empty(room)
    order, steps = _by_length(lengths, time, batch)
    mask, moves_, tiny = constants(spec, z, inputs.dtype)
    packed = flat(pack_forward(weights, spec, z))
    arrays = [flat(inputs), packed, *map(flat, state), flat(hidden), flat(reads), *map(flat, final), flat(saved)]

    def task(block: int) -> None:
        work = threads.room(z.work_forward, mask.dtype)
        forward_block(z, block, order, steps, *arrays, work, mask, moves_, tiny)

    threads.run(task, z.blocks)
    return hidden, reads, final, saved


def sequence_backward(
    slopes: list[Tensor | None],
    inputs: Tensor,
    lengths: Tensor | None,
    weights: list[Tensor],
    state: list[Tensor],
    reads: Tensor,
    saved: Tensor,
    spec: MachineSpec,
    *,
    wants_inputs: bool,
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Backward of `sequence_forward`.

    Args:
        slopes: gradients of hidden, reads and the six parts of the final state; None where there is none.
        state: the initial state, as `sequence_forward` took it.
        reads, saved: what it gave.
        wants_inputs: whether the gradient of the inputs is asked for (it is 0 otherwise).

    Returns:
        Gradients of the inputs, of the weights, and of the six parts of the initial state.
    """
    time, batch = inputs.shape[:2]
    z = places(spec, time, batch, VECTOR_BYTES // inputs.element_size(), keep=True, wants_inputs=wants_inputs)
    order, steps = _by_length(lengths, time, batch)
    mask, moves_, tiny = constants(spec, z, inputs.dtype)
    dinputs = torch.zeros_like(inputs) if lengths is not None or not wants_inputs else torch.empty_like(inputs)
    dstate = [inputs.new_empty(tensor.shape) for tensor in state]
    gradients = inputs.new_empty(z.lanes, z.grad_size)
    none = inputs.new_empty(0)
    packed = flat(pack_backward(weights, spec, z))
    arrays = [flat(inputs), packed, flat(state[-1]), flat(reads), flat(saved)]
    arrays += [flat(none if slope is None else slope) for slope in slopes]
    arrays += [flat(dinputs), *map(flat, dstate), flat(gradients)]

    def task(lane: int) -> None:
        work = threads.room(z.work_backward, mask.dtype)
        backward_lane(z, lane, order, steps, *arrays, work, mask, moves_, tiny)

    threads.run(task, z.lanes)
    summed = gradients[0]
    for lane in range(1, z.lanes):
        summed += gradients[lane]
    return dinputs, unpack_gradients(summed, spec, z), dstate
