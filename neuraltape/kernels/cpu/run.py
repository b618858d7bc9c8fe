"""One call of the sequence kernels: buffers, threads, results. Knows tensors, but nothing of autograd."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from neuraltape.kernels.cpu import threads
from neuraltape.kernels.cpu.backward import backward
from neuraltape.kernels.cpu.checks import (
    check_inputs,
    check_lengths,
    check_tensors,
    dense,
    state_shapes,
    weight_shapes,
)
from neuraltape.kernels.cpu.compiler import Kernel
from neuraltape.kernels.cpu.forward import forward
from neuraltape.kernels.cpu.job import job
from neuraltape.kernels.cpu.packing import collect, pack
from neuraltape.kernels.cpu.pages import buffer
from neuraltape.kernels.cpu.plan import Places, moves, places
from neuraltape.kernels.cpu.vector import VECTOR_BYTES
from neuraltape.kernels.spec import MachineSpec

_SMALL = 2**16
# In a table, the place of the output layer, which is a part of `step` only.
NO_OUTPUT = (0, 0, 0, 0)


class Constants(NamedTuple):
    """What does not change between two calls of the same sizes."""

    sizes: Places
    places: np.ndarray
    """`sizes` as the kernels take them."""
    address: int
    """Of `places`."""
    mask: np.ndarray
    """0 for slots, -inf for the padding."""
    moves: np.ndarray
    order: np.ndarray
    """Of the sequences, and their lengths, where none are given."""
    lengths: np.ndarray
    start: tuple[int, ...]
    """Addresses of order, lengths, mask and moves."""


@lru_cache(maxsize=256)
def constants(
    spec: MachineSpec, time: int, batch: int, item_size: int, *, keep: bool, wants_inputs: bool = False
) -> Constants:
    """Prepare calls of these sizes. `item_size`: bytes a number; for the others see `plan.places`."""
    z = places(spec, time, batch, VECTOR_BYTES // item_size, keep=keep, wants_inputs=wants_inputs)
    dtype = np.dtype(np.float32 if item_size == 4 else np.float64)
    mask = np.zeros(z.padded, dtype)
    mask[z.slots :] = -np.inf
    shifts, order, lengths = np.array(moves(spec.layout.offsets, z.slots)), np.arange(batch), np.full(batch, time)
    start = tuple(array.ctypes.data for array in (order, lengths, mask, shifts))
    sizes = np.array(z)
    return Constants(z, sizes, sizes.ctypes.data, mask, shifts, order, lengths, start)


def addresses(*buffers: Tensor | None) -> list[int]:
    """Where each buffer lies; 0 for none. The caller keeps them alive."""
    return [0 if buffer is None else buffer.data_ptr() for buffer in buffers]


def run_kernel(kernel: Kernel, item_size: int, tasks: int, fixed: Constants, work: int, table: Iterable[int]) -> None:
    """Run all tasks of a kernel, in so many threads as there are. work: numbers in a thread's room."""
    team = threads.team(tasks)
    room = threads.room(team * work * item_size)
    what = job(tasks, fixed.address, room.address, work, table)
    threads.run(kernel[item_size], what, team)


class _Lengths(NamedTuple):
    """Order of the sequences, longest first, their lengths, and the table's first part that leads there."""

    order: np.ndarray
    lengths: np.ndarray
    start: tuple[int, ...]


def _by_length(lengths: Tensor | None, fixed: Constants) -> _Lengths:
    if lengths is None:
        return _Lengths(fixed.order, fixed.lengths, fixed.start)
    check_lengths(lengths, fixed.sizes.time, fixed.sizes.batch)
    values = lengths.to(torch.int64).contiguous().numpy()
    order = np.argsort(-values, kind="stable")
    return _Lengths(order, values, (order.ctypes.data, values.ctypes.data, *fixed.start[2:]))


def sequence_forward(
    inputs: Tensor, lengths: Tensor | None, weights: list[Tensor], state: list[Tensor], spec: MachineSpec, *, keep: bool
) -> tuple[Tensor, Tensor, list[Tensor], Tensor]:
    """Whole sequence forward.

    Args:
        state: hidden, cell, memory, read weights, write weights, reads; empty tensors for what the cell does not have.
        keep: save what `sequence_backward` needs.

    Returns:
        hidden, reads, the final state, and what was saved.

    Raises:
        ValueError: a tensor's shape, dtype or device is not that of this machine.
    """
    dtype = weights[-1].dtype
    check_inputs(inputs, spec, dtype)
    time, batch = inputs.shape[:2]
    check_tensors(weights, weight_shapes(spec), dtype)
    check_tensors(state, state_shapes(spec, batch), dtype)
    fixed = constants(spec, time, batch, inputs.element_size(), keep=keep)
    z, by_length = fixed.sizes, _by_length(lengths, fixed)
    make = inputs.new_empty if lengths is None else inputs.new_zeros
    hidden = make((time, batch, z.hidden))
    reads = make((time, batch, z.reading, z.width))
    final = [inputs.new_empty(tensor.shape) for tensor in state]
    # What opcheck and the like compare must be the same every time, unused places too; that costs nothing when small.
    saved = inputs.new_zeros(z.saved_size) if keep and z.saved_size < _SMALL else buffer(z.saved_size, inputs)
    inputs, *state = (dense(tensor) for tensor in (inputs, *state))
    weights = [dense(weight) for weight in weights]
    lying = addresses(*weights)
    # Few steps read the weights where they lie: to pack them would cost more.
    packed = None if z.direct else inputs.new_empty(z.pack_size)
    found = addresses(inputs, packed, *state, hidden, reads, *final, saved)
    if packed is not None:
        back = saved.data_ptr() + z.saved_back * inputs.element_size() if keep else 0
        run_kernel(pack, inputs.element_size(), z.row_tasks, fixed, z.work_pack, (packed.data_ptr(), back, *lying))
    table = (*by_length.start, *found, *NO_OUTPUT, *(lying if z.direct else ()))
    run_kernel(forward, inputs.element_size(), z.blocks, fixed, z.work_forward, table)
    return hidden, reads, final, saved


def sequence_backward(
    slopes: Sequence[Tensor | None],
    inputs: Tensor,
    lengths: Tensor | None,
    reads0: Tensor,
    reads: Tensor,
    saved: Tensor,
    spec: MachineSpec,
    *,
    wanted: Sequence[bool],
) -> tuple[Tensor | None, list[Tensor], list[Tensor | None]]:
    """Backward of `sequence_forward`.

    Args:
        slopes: gradients of hidden, reads and the six parts of the final state; None where there is none.
        inputs, lengths: as `sequence_forward` took them; reads0: the reads of the initial state.
        reads, saved: what it gave.
        wanted: whether the gradients of the inputs and of the six parts of the initial state are asked for.

    Returns:
        Gradients of the inputs, of the weights, and of the six parts of the initial state; None where not wanted.

    Raises:
        ValueError: a tensor's shape, dtype or device is not that of this machine.
    """
    dtype = saved.dtype
    check_inputs(inputs, spec, dtype)
    (time, batch), item_size = inputs.shape[:2], inputs.element_size()
    fixed = constants(spec, time, batch, item_size, keep=True, wants_inputs=wanted[0])
    z, by_length, of_state = fixed.sizes, _by_length(lengths, fixed), state_shapes(spec, batch)
    of_reads = ("reads", (time, batch, z.reading, z.width))
    check_tensors((reads0, reads, saved), (of_state[-1], of_reads, ("saved", (z.saved_size,))), dtype)
    of_slopes = (("hidden", (time, batch, z.hidden)), of_reads, *of_state)
    some = [(slope, shape) for slope, shape in zip(slopes, of_slopes, strict=True) if slope is not None]
    check_tensors([slope for slope, _ in some], tuple(shape for _, shape in some), dtype)
    dinputs = (inputs.new_empty if lengths is None else inputs.new_zeros)(inputs.shape) if wanted[0] else None
    dstate = [inputs.new_empty(shape) if some else None for (_, shape), some in zip(of_state, wanted[1:], strict=True)]
    dweights = [inputs.new_empty(shape) for _, shape in weight_shapes(spec)]
    gradients = buffer(z.lanes * z.grad_size, inputs)
    inputs, reads0, reads, saved = (dense(tensor) for tensor in (inputs, reads0, reads, saved))
    slopes = [None if slope is None else dense(slope) for slope in slopes]
    found = addresses(inputs, saved, reads0, reads, saved, *slopes, dinputs, *dstate, gradients)
    found[1] += z.saved_back * item_size
    run_kernel(backward, item_size, z.lanes, fixed, z.work_backward, (*by_length.start, *found))
    run_kernel(collect, item_size, z.row_tasks, fixed, z.work_pack, addresses(gradients, *dweights))
    return dinputs, dweights, dstate
