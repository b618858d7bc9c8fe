"""One call of the sequence kernels: buffers, threads, results. Knows tensors, but nothing of autograd."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from neuraltape.kernels.cpu import threads
from neuraltape.kernels.cpu.backward import backward_lane
from neuraltape.kernels.cpu.forward import forward_block
from neuraltape.kernels.cpu.plan import Places, moves, places, record
from neuraltape.kernels.cpu.simd import VECTOR_BYTES
from neuraltape.kernels.cpu.weights import pack, unpack_gradients
from neuraltape.kernels.spec import MachineSpec

_SMALL = 2**16


class Constants(NamedTuple):
    """What does not change between two calls of the same sizes."""

    places: Any
    mask: np.ndarray
    moves: np.ndarray
    tiny: float


@lru_cache(maxsize=256)
def constants(z: Places, offsets: tuple[int, ...]) -> Constants:
    """Sizes as the kernels take them, the mask of the padding, the moves, and the smallest normal number."""
    kind = np.float32 if z.vector * 4 == VECTOR_BYTES else np.float64
    mask = np.zeros(z.padded, kind)
    mask[z.slots :] = -np.inf
    return Constants(record(z), mask, np.array(moves(offsets, z.slots)), float(np.finfo(kind).tiny))


def addresses(*buffers: Tensor | np.ndarray | None) -> np.ndarray:
    """Where each buffer lies; 0 for none. The caller keeps them alive."""
    found = [0 if b is None else b.ctypes.data if isinstance(b, np.ndarray) else b.data_ptr() for b in buffers]
    return np.array(found, np.int64)


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
    fixed = constants(z, spec.layout.offsets)
    make = inputs.new_empty if lengths is None else inputs.new_zeros
    hidden = make(time, batch, spec.hidden_size)
    reads = make(time, batch, spec.layout.read_heads, spec.layout.width)
    final = [inputs.new_empty(tensor.shape) for tensor in state]
    # What opcheck and the like compare must be the same every time, unused places too; that costs nothing when small.
    size = z.blocks * z.saved_block
    saved = inputs.new_zeros(size) if size < _SMALL else inputs.new_empty(size)
    order, steps = _by_length(lengths, time, batch)
    packed = pack(weights, spec, z, backward=False)
    inputs, *state = (tensor.contiguous() for tensor in (inputs, *state))
    table = addresses(order, steps, fixed.mask, fixed.moves, inputs, packed, *state, hidden, reads, *final, saved)

    def task(block: int) -> None:
        forward_block(fixed.places, block, table, threads.room(z.work_forward, fixed.mask.dtype), fixed.tiny)

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
    fixed = constants(z, spec.layout.offsets)
    order, steps = _by_length(lengths, time, batch)
    padded = lengths is not None or not wants_inputs
    dinputs = inputs.new_zeros(inputs.shape) if padded else inputs.new_empty(inputs.shape)
    dstate = [inputs.new_empty(tensor.shape) for tensor in state]
    gradients = inputs.new_empty(z.lanes, z.grad_size)
    packed = pack(weights, spec, z, backward=True)
    inputs, reads0, reads, saved = (tensor.contiguous() for tensor in (inputs, state[-1], reads, saved))
    slopes = [None if slope is None else slope.contiguous() for slope in slopes]
    given = (order, steps, fixed.mask, fixed.moves, inputs, packed, reads0, reads, saved, *slopes)
    table = addresses(*given, dinputs, *dstate, gradients)

    def task(lane: int) -> None:
        backward_lane(fixed.places, lane, table, threads.room(z.work_backward, fixed.mask.dtype), fixed.tiny)

    threads.run(task, z.lanes)
    summed = gradients[0]
    for lane in range(1, z.lanes):
        summed += gradients[lane]
    return dinputs, unpack_gradients(summed, spec, z), dstate
