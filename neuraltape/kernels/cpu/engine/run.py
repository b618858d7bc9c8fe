"""One call of the sequence kernels: buffers, threads, results. Knows tensors, but nothing of autograd."""

from array import array
from collections import namedtuple
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from neuraltape.kernels.cpu.engine.access import named
from neuraltape.kernels.cpu.engine.backward import given_backward, make_backward
from neuraltape.kernels.cpu.engine.checks import check_inputs, check_lengths, check_reset, state_shapes, weight_shapes
from neuraltape.kernels.cpu.engine.forward import given_forward, make_forward
from neuraltape.kernels.cpu.engine.packing import collect, pack
from neuraltape.kernels.cpu.engine.plan import Sizes, places
from neuraltape.kernels.cpu.lib import threads
from neuraltape.kernels.cpu.lib.board import boards
from neuraltape.kernels.cpu.lib.checks import Shapes, check_tensors, dense, look
from neuraltape.kernels.cpu.lib.compiler import Kernel
from neuraltape.kernels.cpu.lib.job import addresses, job, record
from neuraltape.kernels.cpu.lib.kept import kept
from neuraltape.kernels.cpu.lib.pages import buffer
from neuraltape.kernels.cpu.lib.vector import VECTOR_BYTES
from neuraltape.kernels.spec import MachineSpec

_SMALL = 2**16
# Bytes of what is prepared for calls, kept in all: some 500 kinds of calls, unless batch or memory are very large.
_KEPT = 2**23


class Engine(NamedTuple):
    """The kernels of one access, and what they are given."""

    forward: Kernel
    forward_call: Any
    """A NamedTuple of what `engine.forward.given_forward` names."""
    backward: Kernel
    backward_call: Any
    """The same of `engine.backward.given_backward`."""


@cache
def engine_of(name: str) -> Engine:
    """The kernels of the access with this name."""
    access = named(name)
    forward_call = namedtuple("ForwardCall", given_forward(access))
    backward_call = namedtuple("BackwardCall", given_backward(access))
    return Engine(make_forward(access), forward_call, make_backward(access), backward_call)


class Constants(NamedTuple):
    """What does not change between two calls of the same sizes."""

    sizes: Sizes
    record: np.ndarray
    """These and the access's own as the kernels take them."""
    address: int
    """Where `record` lies."""
    asks: bool
    """Whether a sequence may ask threads for help that have none of their own."""
    arrays: tuple[np.ndarray, ...]
    """The order of the sequences and their lengths where none are given, then what the access looks up."""
    start: tuple[int, ...]
    """Where `arrays` lie: what every kernel of a sequence is given first."""
    of_inputs: Shapes
    """Names and shapes of what comes and goes."""
    of_weights: Shapes
    of_state: Shapes
    of_given: Shapes
    of_bits: Shapes
    """The outputs that are compared with targets, these, the residuals, and the costs or their gradients."""
    shapes: Shapes
    """Those of the inputs, the weights and the state."""
    shapes_back: Shapes
    """Those of the inputs, the initial reads, what every step gave, and what was saved."""


@kept(lambda made: sum(array.nbytes for array in made.arrays), _KEPT)
def constants(
    spec: MachineSpec,
    time: int,
    batch: int,
    item_size: int,
    *,
    keep: bool,
    wants_inputs: bool = False,
    resets: bool = False,
    targets: int = 0,
) -> Constants:
    """Prepare calls of these sizes. `item_size`: bytes a number; for the others see `plan.places`."""
    vector = VECTOR_BYTES // item_size
    z, own = places(spec, time, batch, vector, keep=keep, wants_inputs=wants_inputs, resets=resets, targets=targets)
    dtype = np.dtype(np.float32 if item_size == 4 else np.float64)
    arrays = (
        np.arange(batch, dtype=np.int64),
        np.full(batch, time, dtype=np.int64),
        *named(spec.access).constants(spec, own, dtype),
    )
    sizes = record((*z._asdict().items(), *own._asdict().items()))
    of_inputs, of_given = (
        ((name, (time, batch, size)),) for name, size in (("inputs", z.inputs), ("given", z.hidden + z.reads))
    )
    of_weights, of_state = weight_shapes(spec), state_shapes(spec, batch)
    of_bits: Shapes = ()
    if targets > 0:
        of_weights += (("output weight", (targets, z.hidden + z.reads)), ("output bias", (targets,)))
        of_bits = (
            *((name, (time, batch, targets)) for name in ("outputs", "targets", "residuals")),
            ("costs", (batch,)),
        )
    return Constants(
        z, sizes, sizes.ctypes.data, named(spec.access).asks(own), arrays,
        tuple(array.ctypes.data for array in arrays), of_inputs, of_weights, of_state, of_given, of_bits,
        (*of_inputs, *of_weights, *of_state),
        (*of_inputs, of_state[-1], *of_given, ("saved", (z.saved_size,))),
    )  # fmt: skip


class Crew(NamedTuple):
    """Who runs the forward kernel."""

    team: int
    """Threads."""
    boards: np.ndarray | None
    """What those without a sequence look at; None: there are none, or they leave."""
    address: int
    """Where that lies, or 0."""


def crew_of(fixed: Constants) -> Crew:
    """A thread for each block of sequences; all threads where there are fewer blocks and they may ask for help."""
    blocks = fixed.sizes.blocks
    if not fixed.asks or not 0 < blocks < torch.get_num_threads():
        return Crew(threads.team(blocks), None, 0)
    made = boards(fixed.sizes.batch)
    return Crew(torch.get_num_threads(), made, made.ctypes.data)


def run_kernel(
    kernel: Kernel, item_size: int, tasks: int, fixed: Constants, work: int, given: Iterable[int], team: int = 0
) -> None:
    """Run all tasks of a kernel, in so many threads as there are. work: numbers in a thread's room. team: threads."""
    team = team or threads.team(tasks)
    room = threads.room(team * work * item_size)
    what = job(tasks, fixed.address, room.address, work, given)
    threads.run(kernel[item_size], what, team)


class _Lengths(NamedTuple):
    """Order of the sequences, longest first, their lengths, and the start of what the kernels are given."""

    order: np.ndarray
    lengths: np.ndarray
    start: tuple[int, ...]


def _by_length(lengths: Tensor | None, fixed: Constants) -> _Lengths:
    """The one place where lengths are checked. What stands behind a sequence's end is never looked at."""
    if lengths is None:
        order, values = fixed.arrays[:2]
        return _Lengths(order, values, fixed.start)
    check_lengths(lengths, fixed.sizes.time, fixed.sizes.batch)
    values = lengths.to(torch.int64).contiguous().numpy()
    order = np.argsort(-values, kind="stable").astype(np.int64, copy=False)
    return _Lengths(order, values, (order.ctypes.data, values.ctypes.data, *fixed.start[2:]))


class _Found(NamedTuple):
    """Tensors that lie number after number in memory, and where."""

    tensors: list[Tensor]
    addresses: list[int]


def _dense(tensors: Sequence[Tensor], shapes: Shapes, dtype: torch.dtype) -> _Found:
    """Tensors of these shapes as the kernels take them. Raises ValueError as `check_tensors` does."""
    found = look(shapes, dtype).addresses(tensors)
    if found is None:
        check_tensors(tensors, shapes, dtype)
        tensors = [dense(tensor) for tensor in tensors]
        found = [tensor.data_ptr() for tensor in tensors]
    return _Found(list(tensors), found)


def _once_more(given_to: Any, names: Sequence[str], addresses: Sequence[int]) -> array:
    """What a kernel is given, with other addresses under some names."""
    return array("q", given_to._replace(**dict(zip(names, addresses, strict=True))))


def _dense_reset(reset: Tensor | None, time: int, batch: int) -> Tensor | None:
    if reset is None:
        return None
    check_reset(reset, time, batch)
    return reset.contiguous()


class Bits(NamedTuple):
    """What each step's outputs are compared with, where the output layer and its cost are part of a sequence."""

    targets: Tensor
    """(time, batch, output)."""
    mask: Tensor | None
    """The steps that cost something, (time, batch) bool; None: all."""


def sequence_forward(
    inputs: Tensor,
    lengths: Tensor | None,
    weights: list[Tensor],
    state: list[Tensor],
    spec: MachineSpec,
    *,
    keep: bool,
    reset: Tensor | None = None,
    start: Sequence[Tensor] = (),
    bits: Bits | None = None,
) -> tuple[Tensor, list[Tensor], Tensor, list[Tensor]]:
    """Whole sequence forward.

    Args:
        state: hidden, cell, and the access's tensors; empty tensors for what the cell does not have.
        keep: save what `sequence_backward` needs.
        reset: where rows begin anew, (time, batch) bool; None: nowhere. start: with what state, like `state`.
        bits: what the outputs are compared with, with `keep`; the output layer's weight and bias then follow the
            other weights. None: there are no outputs.

    Returns:
        What every step gives (`SequenceResult.given`), the final state, and what was saved. With bits also their
        costs (batch,), the outputs (time, batch, output), and what `sequence_backward` needs of them.

    Raises:
        ValueError: a tensor's shape, dtype or device is not that of this machine.
    """
    dtype, item_size = weights[-1].dtype, inputs.element_size()
    check_inputs(inputs, spec, dtype)
    time, batch = inputs.shape[:2]
    targets, resets = 0 if bits is None else bits.targets.shape[-1], reset is not None
    fixed = constants(spec, time, batch, item_size, keep=keep, resets=resets, targets=targets)
    z, by_length, reset = fixed.sizes, _by_length(lengths, fixed), _dense_reset(reset, time, batch)
    together = [inputs, *weights, *state]
    if len(weights) != len(fixed.of_weights):
        check_tensors(weights, fixed.of_weights, dtype)
    dense_ones, found = _dense(together, fixed.shapes, dtype)
    lying, of_state = found[1 : 1 + len(weights)], found[1 + len(weights) :]
    ((_, shape),) = fixed.of_given
    given = inputs.new_empty(shape) if lengths is None else inputs.new_zeros(shape)
    final = [torch.empty_like(tensor) for tensor in dense_ones[1 + len(weights) :]]
    paid, of_paid = _paid(inputs, lengths, bits, fixed)
    # What opcheck and the like compare must be the same every time, unused places too; that costs nothing when small.
    saved = inputs.new_zeros(z.saved_size) if keep and z.saved_size < _SMALL else buffer(z.saved_size, inputs)
    # Few steps read the weights where they lie: to pack them would cost more.
    packed = None if z.direct else inputs.new_empty(z.pack_size)
    if packed is not None:
        back = saved.data_ptr() + z.saved_back * item_size if keep else 0
        run_kernel(pack, item_size, z.row_tasks, fixed, z.work_pack, (packed.data_ptr(), back, *lying))
    engine, crew = engine_of(spec.access), crew_of(fixed)
    given_to = engine.forward_call(
        *by_length.start, crew.address, found[0], *addresses(packed, reset), 0, *of_state,
        *addresses(given, *final, saved), *of_paid,
    )  # fmt: skip
    if reset is not None:
        start, of_start = _dense(start, fixed.of_state, dtype)
        again = _once_more(given_to, [f"{name}0" for name, _ in fixed.of_state], of_start)
        given_to = given_to._replace(start=again.buffer_info()[0])
    behind = lying if z.direct else ()
    run_kernel(engine.forward, item_size, z.blocks, fixed, z.work_forward, (*given_to, *behind), crew.team)
    return given, final, saved, paid[:3]


def _paid(inputs: Tensor, lengths: Tensor | None, bits: Bits | None, fixed: Constants) -> _Found:
    """Costs, outputs and residuals, the bits themselves, and what `given_forward` names of them and of the output."""
    if bits is None:
        return _Found([], [0] * 8)
    of_outputs, of_targets, _, (_, of_costs) = fixed.of_bits
    targets, (at_targets,) = _dense((bits.targets,), (of_targets,), inputs.dtype)
    mask = None
    if bits.mask is not None:
        check_tensors((bits.mask,), (("mask", of_targets[1][:2]),), torch.bool)
        mask = bits.mask.contiguous()
    costs = inputs.new_empty(of_costs)
    outputs = (inputs.new_empty if lengths is None else inputs.new_zeros)(of_outputs[1])
    residuals = inputs.new_empty(of_outputs[1])
    at = [outputs.data_ptr(), 0, 0, 0, at_targets, *addresses(mask, residuals, costs)]
    # Whoever holds the first three holds what the addresses point to until the call is over.
    return _Found([costs, outputs, residuals, *targets, *([] if mask is None else [mask])], at)


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
    reset: Tensor | None = None,
    paid: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor | None, list[Tensor], list[Tensor | None]]:
    """Backward of `sequence_forward`.

    Args:
        slopes: gradients of what every step gave and of the parts of the final state; None where there is none.
        inputs, lengths: as `sequence_forward` took them; reads0: the reads of the initial state.
        given, saved: its results.
        wanted: whether the gradients of the inputs and of the parts of the initial state are asked for, and with a
            reset of those of the state with which rows begin anew.
        reset: as `sequence_forward` took it.
        paid: with bits, what was kept of them, and the gradients of the costs.

    Returns:
        Gradients of the inputs, of the weights, and of the parts of the initial state, with a reset those of the state
        with which rows begin anew behind them; None where not wanted.

    Raises:
        ValueError: a tensor's shape, dtype or device is not that of this machine.
    """
    dtype = saved.dtype
    check_inputs(inputs, spec, dtype)
    (time, batch), item_size = inputs.shape[:2], inputs.element_size()
    targets, resets = 0 if paid is None else paid[0].shape[-1], reset is not None
    fixed = constants(spec, time, batch, item_size, keep=True, wants_inputs=wanted[0], resets=resets, targets=targets)
    z, by_length, reset = fixed.sizes, _by_length(lengths, fixed), _dense_reset(reset, time, batch)
    kept, found = _dense((inputs, reads0, given, saved), fixed.shapes_back, dtype)
    of_slopes = [0] * len(slopes)
    for i, (slope, shape) in enumerate(zip(slopes, (*fixed.of_given, *fixed.of_state), strict=True)):
        if slope is not None:
            (one,), (of_slopes[i],) = _dense((slope,), (shape,), dtype)
            kept.append(one)
    of_paid = [0, 0]
    if paid is not None:
        ones, of_paid = _dense(paid, fixed.of_bits[2:], dtype)
        kept += ones
    dinputs = (inputs.new_empty if lengths is None else inputs.new_zeros)(inputs.shape) if wanted[0] else None
    shapes = fixed.of_state if reset is None else fixed.of_state * 2
    asked, in_place = [*wanted[1:]], named(spec.access).in_place
    for i, (name, _) in enumerate(fixed.of_state):
        asked[i] = asked[i] or name in in_place
    dstate = [inputs.new_empty(shape) if some else None for (_, shape), some in zip(shapes, asked, strict=True)]
    dweights = [inputs.new_empty(shape) for _, shape in fixed.of_weights]
    gradients = buffer(z.lanes * z.grad_size, inputs)
    engine = engine_of(spec.access)
    count = len(fixed.of_state)
    given_to = engine.backward_call(
        *by_length.start, found[0], found[3] + z.saved_back * item_size, *addresses(reset), 0, *found[1:], *of_slopes,
        *addresses(dinputs, *dstate[:count]), gradients.data_ptr(), *of_paid,
    )  # fmt: skip
    if any(wanted[1 + count :]):
        again = _once_more(given_to, [f"d{name}0" for name, _ in fixed.of_state], addresses(*dstate[count:]))
        given_to = given_to._replace(start=again.buffer_info()[0])
    run_kernel(engine.backward, item_size, z.lanes, fixed, z.work_backward, given_to)
    run_kernel(collect, item_size, z.row_tasks, fixed, z.work_pack, addresses(gradients, *dweights))
    return dinputs, dweights, dstate
