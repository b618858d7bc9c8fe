"""Buffers, launches and results of one sequence. Knows PyTorch's tensors, and nothing of autograd."""

from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neuraltape.kernels.spec import STATES, MachineSpec
from neuraltape.kernels.triton.engine.access import steps_of
from neuraltape.kernels.triton.engine.backward import backward
from neuraltape.kernels.triton.engine.forward import forward
from neuraltape.kernels.triton.engine.packing import biases, collect, of_inputs, pack_backward, pack_forward
from neuraltape.kernels.triton.engine.plan import THREADS, Sizes, segment_of, sizes, state_shapes
from neuraltape.printed import record_repr

# Triton warns where it is not said.
OPTIONS: dict[str, Any] = {"num_stages": 1, "enable_fp_fusion": True}
if torch.version.hip is None:
    # The assembler stops at 128 registers and spills, unless it is given a bound.
    OPTIONS |= {"num_warps": THREADS // 32, "maxnreg": 255}
else:
    OPTIONS["num_warps"] = THREADS // 64


class ForwardCall(NamedTuple):
    """What the forward kernel is given."""

    projected: Any
    """The first layer's product with the inputs, (time, batch, parts * hidden)."""
    own: Any
    below: Any
    interface: Any
    """See `packing.Packed`."""
    biases: Any
    interface_bias: Any
    lengths: Any
    reset: Any
    memory0: Any
    start_memory: Any
    """The memory before the first step, and that with which rows begin anew."""
    rows: Any
    """All layers' outputs and the reads, (1 + time, batch, row), and with a reset those of the start."""
    cells: Any
    """(1 + time, batch, layers, hidden), and those of the start."""
    notes: Any
    """(1 + time, batch, notes), and those of the start. Cells and notes that are not kept have two rows."""
    raw: Any
    """What was emitted for the heads, (time, batch, emitted); not kept: (batch, emitted)."""
    gates: Any
    """(time, batch, layers, kept parts, hidden)."""
    checkpoints: Any
    """The memory at the start of each segment, (segments, batch, slots, width)."""
    memory1: Any


class BackwardCall(NamedTuple):
    """What the backward kernel is given: gradients come and go in the same places, (2, batch, ...) but the memory's."""

    own: Any
    below: Any
    interface: Any
    lengths: Any
    reset: Any
    start_memory: Any
    rows: Any
    cells: Any
    notes: Any
    raw: Any
    gates: Any
    checkpoints: Any
    dgiven: Any
    """Of the last layer's output and the reads, (time, batch, hidden + reads)."""
    draw: Any
    dgates: Any
    """Of what was emitted and of the products, as `raw` and `gates`."""
    dhidden: Any
    dcell: Any
    dreads: Any
    dnotes: Any
    dmemory: Any
    dstart_hidden: Any
    dstart_cell: Any
    dstart_reads: Any
    dstart_notes: Any
    dstart_memory: Any
    replayed: Any
    """Room for the memory before each step of a segment, (batch, segment, slots, width)."""
    dabove: Any
    through: Any
    room: Any
    """Room for what goes from one part of a step to the next."""


class Saved(NamedTuple):
    """What is kept for the way back."""

    rows: Tensor
    cells: Tensor
    notes: Tensor
    raw: Tensor
    gates: Tensor
    checkpoints: Tensor

    __repr__ = record_repr


class State(NamedTuple):
    """A state's tensors; `hidden` and `cell` are None where the controller has none."""

    hidden: Tensor | None
    cell: Tensor | None
    memory: Tensor
    carried: tuple[Tensor, ...]
    """The access's other parts but the reads."""
    reads: Tensor

    __repr__ = record_repr

    @property
    def notes(self) -> Tensor:
        """What goes from a step to the next beside the memory, in one row a sequence."""
        return torch.cat([each.flatten(1) for each in self.carried], 1)


def state_of(tensors: list[Any], spec: MachineSpec) -> State:
    """From the controller's tensors and the access's."""
    count = STATES[spec.cell]
    memory, *carried, reads = tensors[count:]
    first, second = [*tensors[:count], None, None][:2]
    return State(first, second, memory, tuple(carried), reads)


def parts_of(state: State) -> list[Any]:
    """The way back."""
    return [*(each for each in state[:2] if each is not None), state.memory, *state.carried, state.reads]


def sequence_forward(
    inputs: Tensor,
    lengths: Tensor | None,
    reset: Tensor | None,
    weights: list[Tensor],
    state: State,
    start: State | None,
    spec: MachineSpec,
    *,
    keep: bool,
) -> tuple[Tensor, State, Saved]:
    """Whole sequence forward.

    Args:
        inputs: (time, batch, input); what stands past a sequence's end is looked at by the product with the weights
            alone, whose result there is not used.
        start: with what state rows begin anew; None without a reset.
        keep: save what `sequence_backward` needs.

    Returns:
        What every step gives (`SequenceResult.given`), the final state, and what was saved.
    """
    time, batch = inputs.shape[:2]
    z = sizes(spec, inputs.dtype)
    more, kept = int(start is not None), time + 1 if keep else 2
    segment = segment_of(time)
    rows = (inputs.new_empty if lengths is None else inputs.new_zeros)(time + 1 + more, batch, z.row)
    cells = inputs.new_empty(kept + more if z.cell == "lstm" else 0, batch, z.layers, z.hidden)
    notes = inputs.new_empty(kept + more, batch, z.notes)
    for place, begun in ((0, state), *([] if start is None else [(-1, start)])):
        rows[place, :, z.layers * z.hidden :] = begun.reads.flatten(1)
        notes[place, :, : z.carried] = begun.notes
        if begun.hidden is not None:
            rows[place, :, : z.layers * z.hidden] = begun.hidden.flatten(1)
        if begun.cell is not None:
            cells[place] = begun.cell
    saved = Saved(
        rows,
        cells,
        notes,
        inputs.new_empty(time if keep else 1, batch, z.emitted),
        inputs.new_empty(time if keep else 0, batch, z.layers, z.kept_parts, z.hidden),
        inputs.new_empty(-(-time // segment) if keep else 0, batch, z.slots, spec.layout.width),
    )
    packed = pack_forward(weights, z, spec.input_size)
    projected = (inputs.flatten(0, 1) @ weights[0][:, : spec.input_size].T).contiguous()
    memory0, memory1 = state.memory.contiguous(), inputs.new_empty(state.memory.shape)
    call = ForwardCall(
        projected, packed.own, packed.below, packed.interface, biases(weights, z), weights[-1].contiguous(),
        _lengths(lengths, inputs), _reset(reset, inputs), memory0,
        memory0 if start is None else start.memory.contiguous(), rows, cells, notes, saved.raw, saved.gates,
        saved.checkpoints, memory1,
    )  # fmt: skip
    _launch(forward, inputs, call, time, batch, segment, kept * more, int(keep), steps_of(spec.access).step, z)
    given = rows[1 : time + 1, :, (z.layers - 1) * z.hidden :]
    return given, _final(saved, memory1, lengths, spec, z, time, keep=keep), saved


def _final(
    saved: Saved, memory: Tensor, lengths: Tensor | None, spec: MachineSpec, z: Sizes, time: int, *, keep: bool
) -> State:
    """The state after each sequence's last step, in tensors of its own."""
    steps: Any = time if lengths is None else lengths.clamp(0, time)
    kept = steps if keep else steps % 2
    every: Any = slice(None) if lengths is None else torch.arange(len(memory), device=memory.device)
    row, units = saved.rows[steps, every], z.layers * z.hidden
    hidden = None if z.cell == "feedforward" else row[:, :units].unflatten(1, (z.layers, z.hidden)).clone()
    cell = saved.cells[kept, every].clone() if z.cell == "lstm" else None
    reads = row[:, units:].unflatten(1, (z.readers, z.width)).clone()
    return State(hidden, cell, memory, _carried(saved.notes[kept, every], spec), reads)


def _carried(notes: Tensor, spec: MachineSpec) -> tuple[Tensor, ...]:
    """A state's parts from one row a sequence, in tensors of their own."""
    shapes = list(state_shapes(spec).values())[1:-1]
    parts = notes[:, : sum(map(prod, shapes))].split(list(map(prod, shapes)), 1)
    return tuple(part.reshape(len(part), *shape).clone() for part, shape in zip(parts, shapes, strict=True))


def sequence_backward(
    slopes: tuple[Tensor | None, State],
    inputs: Tensor,
    lengths: Tensor | None,
    reset: Tensor | None,
    weights: list[Tensor],
    start: State | None,
    saved: Saved,
    spec: MachineSpec,
    *,
    wants_inputs: bool,
) -> tuple[Tensor | None, list[Tensor], State, State | None]:
    """Backward of `sequence_forward`.

    Args:
        slopes: gradients of what every step gave and of the final state; None where there is none.

    Returns:
        Gradients of the inputs, of the weights, of the initial state, and of the state with which rows begin anew.
    """
    dgiven, dfinal = slopes
    time, batch = inputs.shape[:2]
    z, resets = sizes(spec, inputs.dtype), start is not None
    segment, new = segment_of(time), inputs.new_empty if lengths is None else inputs.new_zeros
    dgiven = inputs.new_zeros(time, batch, z.hidden + z.reads) if dgiven is None else dgiven.contiguous()

    def twice(slope: Tensor | None, *shape: int) -> Tensor:
        # Which of the two a sequence begins with depends on its length.
        return inputs.new_zeros(2, *shape) if slope is None else slope.expand(2, *shape).contiguous()

    units, shapes = (batch, z.layers, z.hidden), list(state_shapes(spec).values())[1:-1]
    dnotes = [twice(slope, batch, *shape).flatten(2) for slope, shape in zip(dfinal.carried, shapes, strict=True)]
    dmemory = (
        inputs.new_zeros(batch, z.slots, z.width)
        if dfinal.memory is None
        else dfinal.memory.clone(memory_format=torch.contiguous_format)
    )
    again = batch if resets else 0
    began = [(again, z.layers, z.hidden)] * 2 + [(again, z.readers, z.width), (again, z.carried)]
    dstart = [inputs.new_zeros(shape) for shape in (*began, (again, z.slots, z.width))]
    packed, steps = pack_backward(weights, z, spec.input_size), steps_of(spec.access)
    given: list[Any] = [
        *packed, _lengths(lengths, inputs), _reset(reset, inputs),
        saved.rows if start is None else start.memory.contiguous(), *saved, dgiven,
        new(time, batch, z.emitted), new(time, batch, z.layers, z.kept_parts, z.hidden),
        twice(dfinal.hidden, *units), twice(dfinal.cell, *units), twice(dfinal.reads, batch, z.readers, z.width),
        torch.cat(dnotes, 2), dmemory, *dstart, inputs.new_empty(batch, segment, z.slots, z.width),
        inputs.new_empty(batch, z.hidden), inputs.new_empty(batch, z.hidden),
        inputs.new_empty(batch, z.room),
    ]  # fmt: skip
    call = BackwardCall(*given)
    _launch(backward, inputs, call, time, batch, segment, int(resets), steps.replay, steps.back, z)
    before = saved.rows[:time]
    if reset is not None:
        before = torch.where(reset.unsqueeze(-1), saved.rows[-1], before)
    if lengths is not None:
        # What stands in the padding may be NaN.
        past = torch.arange(time, device=inputs.device).unsqueeze(-1) >= lengths
        inputs = inputs.masked_fill(past.unsqueeze(-1), 0)
    dweights = collect(call.dgates, call.draw, inputs, before, saved.rows[1 : time + 1], z)
    dinputs = of_inputs(call.dgates, weights[0], spec.input_size, z) if wants_inputs else None

    def state(dhidden: Tensor, dcell: Tensor, dreads: Tensor, dnotes: Tensor, dmemory: Tensor) -> State:
        no_hidden, no_cell = z.cell == "feedforward", z.cell != "lstm"
        carried = _carried(dnotes, spec)
        return State(None if no_hidden else dhidden, None if no_cell else dcell, dmemory, carried, dreads)

    first = state(call.dhidden[0], call.dcell[0], call.dreads[0], call.dnotes[0], dmemory)
    return dinputs, dweights, first, state(*dstart) if resets else None


def _reset(reset: Tensor | None, inputs: Tensor) -> Tensor:
    # A kernel is compiled for the kinds of what it is given, so one that is not looked at has the same kind.
    return inputs.new_zeros(1, dtype=torch.uint8) if reset is None else reset.byte().contiguous()


def _lengths(lengths: Tensor | None, inputs: Tensor) -> Tensor:
    time, batch = inputs.shape[:2]
    return inputs.new_full((batch,), time, dtype=torch.int64) if lengths is None else lengths.contiguous()


def _launch(kernel: Any, inputs: Tensor, *given: Any) -> None:
    """Run a kernel, a program a sequence, on the device of the inputs; on the CPU, Triton's interpreter does it."""
    with torch.cuda.device(inputs.device if inputs.is_cuda else -1):
        kernel[(inputs.shape[1],)](*given, **OPTIONS)
