"""One call of the sequence kernels: buffers, threads, results. Knows tensors, but nothing of autograd."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from neuraltape.kernels.cpu.engine.backward import backward
from neuraltape.kernels.cpu.engine.checks import (
    Shapes,
    check_inputs,
    check_lengths,
    check_tensors,
    dense,
    dense_addresses,
    state_shapes,
    weight_shapes,
)
from neuraltape.kernels.cpu.engine.forward import forward
from neuraltape.kernels.cpu.engine.packing import collect, pack
from neuraltape.kernels.cpu.engine.plan import Places, moves, places
from neuraltape.kernels.cpu.lib import threads
from neuraltape.kernels.cpu.lib.compiler import Kernel
from neuraltape.kernels.cpu.lib.job import job
from neuraltape.kernels.cpu.lib.pages import buffer
from neuraltape.kernels.cpu.lib.vector import VECTOR_BYTES
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
    of_inputs: Shapes
    of_weights: Shapes
    of_state: Shapes
    of_given: Shapes
    """Names and shapes of what comes and goes."""
    shapes: Shapes
    """Of the inputs, the weights and the state."""
    shapes_back: Shapes
    """Of the inputs, the initial reads, what every step gave, and what was saved."""


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
    of_inputs, of_given = (
        ((name, (time, batch, size)),)
        for name, size in (("inputs", z.inputs), ("given", z.hidden + z.reading * z.width))
    )
    of_weights, of_state = weight_shapes(spec), state_shapes(spec, batch)
    return Constants(
        z, sizes, sizes.ctypes.data, mask, shifts, order, lengths, start, of_inputs, of_weights, of_state, of_given,
        (*of_inputs, *of_weights, *of_state), (*of_inputs, of_state[-1], *of_given, ("saved", (z.saved_size,))),
    )  # fmt: skip


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


class _Found(NamedTuple):
    """Tensors that lie number after number in memory, and where."""

    tensors: list[Tensor]
    addresses: list[int]


def _dense(tensors: Sequence[Tensor], shapes: Shapes, dtype: torch.dtype) -> _Found:
    """Tensors of these shapes as the kernels take them. Raises ValueError as `check_tensors` does."""
    found = dense_addresses(tensors, shapes, dtype)
    if found is None:
        check_tensors(tensors, shapes, dtype)
        tensors = [dense(tensor) for tensor in tensors]
        found = [tensor.data_ptr() for tensor in tensors]
    return _Found(list(tensors), found)


def sequence_forward(
    inputs: Tensor, lengths: Tensor | None, weights: list[Tensor], state: list[Tensor], spec: MachineSpec, *, keep: bool
) -> tuple[Tensor, list[Tensor], Tensor]:
    """Whole sequence forward.

    Args:
        state: hidden, cell, memory, read weights, write weights, reads; empty tensors for what the cell does not have.
        keep: save what `sequence_backward` needs.

    Returns:
        What every step gives (`SequenceResult.given`), the final state, and what was saved.

    Raises:
        ValueError: a tensor's shape, dtype or device is not that of this machine.
    """
    dtype, item_size = weights[-1].dtype, inputs.element_size()
    check_inputs(inputs, spec, dtype)
    time, batch = inputs.shape[:2]
    fixed = constants(spec, time, batch, item_size, keep=keep)
    z, by_length = fixed.sizes, _by_length(lengths, fixed)
    together = [inputs, *weights, *state]
    if len(weights) != len(fixed.of_weights):
        check_tensors(weights, fixed.of_weights, dtype)
    dense_ones, found = _dense(together, fixed.shapes, dtype)
    lying, of_state = found[1 : 1 + len(weights)], found[1 + len(weights) :]
    ((_, shape),) = fixed.of_given
    given = inputs.new_empty(shape) if lengths is None else inputs.new_zeros(shape)
    final = [torch.empty_like(tensor) for tensor in dense_ones[1 + len(weights) :]]
    # What opcheck and the like compare must be the same every time, unused places too; that costs nothing when small.
    saved = inputs.new_zeros(z.saved_size) if keep and z.saved_size < _SMALL else buffer(z.saved_size, inputs)
    # Few steps read the weights where they lie: to pack them would cost more.
    packed = None if z.direct else inputs.new_empty(z.pack_size)
    if packed is not None:
        back = saved.data_ptr() + z.saved_back * item_size if keep else 0
        run_kernel(pack, item_size, z.row_tasks, fixed, z.work_pack, (packed.data_ptr(), back, *lying))
    results = addresses(given, *final, saved)
    start = (*by_length.start, found[0], *addresses(packed), *of_state, *results)
    run_kernel(forward, item_size, z.blocks, fixed, z.work_forward, (*start, *NO_OUTPUT, *(lying if z.direct else ())))
    return given, final, saved


def sequence_backward(
    slopes: Sequence[Tensor | None],
    inputs: Tensor,
    lengths: Tensor | None,
    reads0: Tensor,
    given: Tensor,
    saved: Tensor,
    spec: MachineSpec,
    *,
    wanted: Sequence[bool],
) -> tuple[Tensor | None, list[Tensor], list[Tensor | None]]:
    """Backward of `sequence_forward`.

    Args:
        slopes: gradients of what every step gave and of the six parts of the final state; None where there is none.
        inputs, lengths: as `sequence_forward` took them; reads0: the reads of the initial state.
        given, saved: its results.
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
    z, by_length = fixed.sizes, _by_length(lengths, fixed)
    kept, found = _dense((inputs, reads0, given, saved), fixed.shapes_back, dtype)
    of_slopes = [0] * len(slopes)
    for i, (slope, shape) in enumerate(zip(slopes, (*fixed.of_given, *fixed.of_state), strict=True)):
        if slope is not None:
            (one,), (of_slopes[i],) = _dense((slope,), (shape,), dtype)
            kept.append(one)
    dinputs = (inputs.new_empty if lengths is None else inputs.new_zeros)(inputs.shape) if wanted[0] else None
    dstate = [
        inputs.new_empty(shape) if some else None for (_, shape), some in zip(fixed.of_state, wanted[1:], strict=True)
    ]
    dweights = [inputs.new_empty(shape) for _, shape in fixed.of_weights]
    gradients = buffer(z.lanes * z.grad_size, inputs)
    came, packed = found[0], found[3] + z.saved_back * item_size
    results = addresses(dinputs, *dstate, gradients)
    table = (*by_length.start, came, packed, *found[1:], *of_slopes, *results)
    run_kernel(backward, item_size, z.lanes, fixed, z.work_backward, table)
    run_kernel(collect, item_size, z.row_tasks, fixed, z.work_pack, addresses(gradients, *dweights))
    return dinputs, dweights, dstate
