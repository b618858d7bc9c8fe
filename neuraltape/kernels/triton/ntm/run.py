"""Buffers, launches and results of one sequence. Knows PyTorch's tensors, and nothing of autograd."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from neuraltape.kernels.spec import STATES, MachineSpec
from neuraltape.kernels.triton.ntm.backward import backward
from neuraltape.kernels.triton.ntm.forward import forward
from neuraltape.kernels.triton.ntm.packing import biases, collect, of_inputs, pack_backward, pack_forward
from neuraltape.kernels.triton.ntm.plan import THREADS, Sizes, segment_of, sizes
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
    focus: Any
    """(1 + time, batch, heads, slots), and those of the start. Cells and focuses that are not kept have two rows."""
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
    focus: Any
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
    dfocus: Any
    dmemory: Any
    dstart_hidden: Any
    dstart_cell: Any
    dstart_reads: Any
    dstart_focus: Any
    dstart_memory: Any
    replayed: Any
    """Room for the memory before each step of a segment, (batch, segment, slots, width)."""
    dabove: Any
    through: Any
    dwritten: Any
    """Room for what goes from one part of a step to the next."""


class Saved(NamedTuple):
    """What is kept for the way back."""

    rows: Tensor
    cells: Tensor
    focus: Tensor
    raw: Tensor
    gates: Tensor
    checkpoints: Tensor

    __repr__ = record_repr


class State(NamedTuple):
    """A state's tensors; `hidden` and `cell` are None where the controller has none."""

    hidden: Tensor | None
    cell: Tensor | None
    memory: Tensor
    read_weights: Tensor
    write_weights: Tensor
    reads: Tensor

    __repr__ = record_repr

    @property
    def focus(self) -> Tensor:
        """All heads' weights."""
        return torch.cat([self.read_weights, self.write_weights], 1)


def state_of(tensors: list[Any], spec: MachineSpec) -> State:
    """From the controller's tensors and the access's."""
    count = STATES[spec.cell]
    return State(*tensors[:count], *[None] * (2 - count), *tensors[count:])


def parts_of(state: State) -> list[Any]:
    """The way back."""
    return [each for i, each in enumerate(state) if each is not None or i > 1]


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
    focus = inputs.new_empty(kept + more, batch, z.heads, z.slots)
    for place, begun in ((0, state), *([] if start is None else [(-1, start)])):
        rows[place, :, z.layers * z.hidden :] = begun.reads.flatten(1)
        focus[place] = begun.focus
        if begun.hidden is not None:
            rows[place, :, : z.layers * z.hidden] = begun.hidden.flatten(1)
        if begun.cell is not None:
            cells[place] = begun.cell
    saved = Saved(
        rows,
        cells,
        focus,
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
        memory0 if start is None else start.memory.contiguous(), rows, cells, focus, saved.raw, saved.gates,
        saved.checkpoints, memory1,
    )  # fmt: skip
    _launch(forward, inputs, call, time, batch, segment, kept * more, int(keep), z)
    given = rows[1 : time + 1, :, (z.layers - 1) * z.hidden :]
    return given, _final(saved, memory1, lengths, z, time, keep=keep), saved


def _final(saved: Saved, memory: Tensor, lengths: Tensor | None, z: Sizes, time: int, *, keep: bool) -> State:
    """The state after each sequence's last step, in tensors of its own."""
    steps: Any = time if lengths is None else lengths.clamp(0, time)
    kept = steps if keep else steps % 2
    every: Any = slice(None) if lengths is None else torch.arange(len(memory), device=memory.device)
    row, focus = saved.rows[steps, every], saved.focus[kept, every]
    units = z.layers * z.hidden
    hidden = None if z.cell == "feedforward" else row[:, :units].unflatten(1, (z.layers, z.hidden)).clone()
    cell = saved.cells[kept, every].clone() if z.cell == "lstm" else None
    reads = row[:, units:].unflatten(1, (z.readers, z.width)).clone()
    return State(hidden, cell, memory, focus[:, : z.readers].clone(), focus[:, z.readers :].clone(), reads)


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

    units, focuses = (batch, z.layers, z.hidden), (batch, z.readers, z.slots)
    dfocus = [twice(dfinal.read_weights, *focuses), twice(dfinal.write_weights, batch, z.writers, z.slots)]
    dmemory = (
        inputs.new_zeros(batch, z.slots, z.width)
        if dfinal.memory is None
        else dfinal.memory.clone(memory_format=torch.contiguous_format)
    )
    again = batch if resets else 0
    began = [(again, z.layers, z.hidden)] * 2 + [(again, z.readers, z.width), (again, z.heads, z.slots)]
    dstart = [inputs.new_zeros(shape) for shape in (*began, (again, z.slots, z.width))]
    packed = pack_backward(weights, z, spec.input_size)
    given: list[Any] = [
        *packed, _lengths(lengths, inputs), _reset(reset, inputs),
        saved.rows if start is None else start.memory.contiguous(), *saved, dgiven,
        new(time, batch, z.emitted), new(time, batch, z.layers, z.kept_parts, z.hidden),
        twice(dfinal.hidden, *units), twice(dfinal.cell, *units), twice(dfinal.reads, batch, z.readers, z.width),
        torch.cat(dfocus, 2), dmemory, *dstart, inputs.new_empty(batch, segment, z.slots, z.width),
        inputs.new_empty(batch, z.hidden), inputs.new_empty(batch, z.hidden),
        inputs.new_empty(batch, z.writers, z.slots),
    ]  # fmt: skip
    call = BackwardCall(*given)
    _launch(backward, inputs, call, time, batch, segment, int(resets), z)
    before = saved.rows[:time]
    if reset is not None:
        before = torch.where(reset.unsqueeze(-1), saved.rows[-1], before)
    if lengths is not None:
        # What stands in the padding may be NaN.
        past = torch.arange(time, device=inputs.device).unsqueeze(-1) >= lengths
        inputs = inputs.masked_fill(past.unsqueeze(-1), 0)
    dweights = collect(call.dgates, call.draw, inputs, before, saved.rows[1 : time + 1], z)
    dinputs = of_inputs(call.dgates, weights[0], spec.input_size, z) if wants_inputs else None

    def state(dhidden: Tensor, dcell: Tensor, dreads: Tensor, dfocus: Tensor, dmemory: Tensor) -> State:
        reading, writing = dfocus.split([z.readers, z.writers], 1)
        return State(
            None if z.cell == "feedforward" else dhidden, dcell if z.cell == "lstm" else None, dmemory, reading,
            writing, dreads,
        )  # fmt: skip

    first = state(call.dhidden[0], call.dcell[0], call.dreads[0], call.dfocus[0], dmemory)
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
