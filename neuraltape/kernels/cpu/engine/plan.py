"""Sizes and places: where everything of one call lies in its flat buffers. Knows no tensors, no access."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from neuraltape.kernels.cpu.engine.access import Access, named
from neuraltape.kernels.cpu.lib.job import parts_of
from neuraltape.kernels.cpu.lib.sizes import up
from neuraltape.kernels.cpu.lib.vector import VECTOR_BYTES
from neuraltape.kernels.spec import MachineSpec

# Sequences that share each load of the recurrent weights: the rows of one register tile of the matrix product. More
# where the weights come from beyond a core's own cache, and where the batch is large enough for many threads even so.
MOST_ROWS, MOST_ROWS_IF_LARGE = 4, 8
LARGE_WEIGHTS, LARGE_BATCH = 2**20, 128
# Weight gradients are summed in this many places at most, so that their number does not grow with the batch.
MOST_LANES = 32
# Up to so many rows in all, without gradients, the products read the weights where they lie.
MOST_DIRECT = 16
CELLS = ("feedforward", "gru", "lstm")


class Sizes(NamedTuple):
    """The engine's sizes. "ld" is the distance of two rows; B blocks, T time, S rows of a block."""

    # Work: how the batch is divided.
    batch: int
    time: int
    rows: int
    blocks: int
    lanes: int
    keep: int
    direct: int
    segment: int
    segments: int
    resets: int
    # The machine.
    vector: int
    cell: int
    linear: int
    gates: int
    inputs: int
    hidden: int
    layers: int
    reads: int
    parameters: int
    wants_inputs: int
    targets: int
    # What a layer's product sees: first layer [reads | hidden | input | 1], the others [hidden | below | 1].
    gate_columns: int
    columns_first: int
    columns_other: int
    columns_back: int
    ld_gates: int
    ld_parameters: int
    ld_first: int
    ld_other: int
    ld_hidden: int
    ld_top: int
    ld_targets: int
    ld_kept: int
    ld_start: int
    # Packed weights, forward and backward, and gradients of the weights: starts of the layers after the first and of
    # the interface and the output layer, distance of two layers, whole size.
    pack_other: int
    pack_layer: int
    pack_interface: int
    pack_output: int
    pack_size: int
    back_other: int
    back_layer: int
    back_interface: int
    back_output: int
    back_size: int
    grad_other: int
    grad_layer: int
    grad_interface: int
    grad_output: int
    grad_size: int
    # Saved for the backward pass, block by block.
    saved_parameters: int
    saved_notes: int
    saved_kept: int
    saved_starts: int
    saved_block: int
    # Behind all blocks: packed weights for the backward pass; the whole size.
    saved_back: int
    saved_size: int
    # Working space of one block.
    work_forward: int
    work_backward: int
    # Packing: tasks, room for one row of weights, working space of one task.
    row_tasks: int
    ld_pack: int
    work_pack: int


class Places(NamedTuple):
    """Sizes and places of one call: the engine's and the access's own."""

    engine: Sizes
    own: Any


def parts(access: Access, given: Sequence[str]) -> Callable[..., Any]:
    """`job.parts_of` for a kernel with an access. given: names of what it is given."""
    return parts_of((*Sizes._fields, *access.size_names), given)


@lru_cache(maxsize=256)
def places(
    spec: MachineSpec,
    time: int,
    batch: int,
    vector: int,
    *,
    keep: bool,
    wants_inputs: bool = False,
    resets: bool = False,
    targets: int = 0,
) -> Places:
    """Lay out one call.

    Args:
        spec: the machine.
        time, batch: of the inputs.
        vector: lanes of a vector, 16 (float32) or 8 (float64).
        keep: something will be differentiated, so the forward pass has to save what the backward pass needs.
        wants_inputs: the gradient of the inputs is asked for.
        resets: rows begin anew: the state with which they do is kept for each.
        targets: bits that each step's outputs are compared with; 0: the output layer is no part of it.
    """
    layout, own = spec.layout, named(spec.access).sizes(spec, vector)
    hidden, layers, reads = spec.hidden_size, spec.layers, layout.read_heads * layout.width
    gates = 1 if spec.cell == "feedforward" else 4
    recurrent = 0 if spec.cell == "feedforward" else hidden
    # Rows end with room for one vector: loops write whole vectors.
    slack = vector
    segment = next((size for size in (8, 16, 32) if time <= size * size), 64)
    segments = -(-time // segment)
    gate_columns = gates * hidden
    columns_first = reads + recurrent + spec.input_size + 1
    columns_other = recurrent + hidden + 1
    columns_back = columns_first - 1 if wants_inputs else reads + recurrent
    ld_gates = up(gate_columns, vector) + slack
    ld_parameters = up(layout.size, vector) + slack
    ld_first, ld_other = up(columns_first, vector) + slack, up(columns_other, vector) + slack
    ld_hidden = up(hidden, vector)
    # [hidden | 1], which the interface sees, or [hidden | 1 | reads] where the output layer takes part.
    seen = hidden + 1 + (reads if targets > 0 else 0)
    ld_top = up(seen, vector) + slack
    ld_targets = up(targets, vector)
    ld_kept = own.ld_memory + layers * 2 * ld_hidden
    # A row begins anew with this, and its gradient is as large: notes, memory, states, reads.
    ld_start = own.ld_notes + ld_kept + ld_first

    def packed(depth: int, columns: int) -> int:
        return depth * up(columns, vector)

    pack_other = packed(columns_first, gate_columns)
    pack_layer = packed(columns_other, gate_columns)
    pack_interface = pack_other + (layers - 1) * pack_layer
    pack_output = pack_interface + packed(hidden + 1, layout.size)
    pack_size = pack_output + packed(seen, targets)
    # The forward pass packs for the backward pass, and does not know whether the inputs' gradient will be wanted.
    back_other = packed(gate_columns, columns_first - 1)
    back_layer = packed(gate_columns, columns_other - 1)
    back_interface = back_other + (layers - 1) * back_layer
    grad_other, grad_layer = gate_columns * ld_first, gate_columns * ld_other
    grad_interface = grad_other + (layers - 1) * grad_layer
    back_output, grad_output = back_interface + packed(layout.size, hidden), grad_interface + layout.size * ld_top

    large = pack_size * VECTOR_BYTES > LARGE_WEIGHTS * vector or batch >= LARGE_BATCH
    most = MOST_ROWS_IF_LARGE if large else MOST_ROWS
    # Comparisons and not `min`: under torch.compile the sizes may be symbols.
    rows = next((count for count in range(1, most) if batch <= 2 * count), most)
    blocks = -(-batch // rows)

    kept_steps = time if keep else 1
    saved_parameters = kept_steps * rows * layers * ld_gates
    saved_notes = saved_parameters + kept_steps * rows * ld_parameters
    saved_kept = saved_notes + (time + 1 if keep else 2) * rows * own.ld_notes
    saved_starts = saved_kept + (segments * rows * ld_kept if keep else 0)
    saved_block = saved_starts + (rows * ld_start if resets else 0) + slack

    saved_back, back_size = blocks * saved_block, back_output + packed(targets, seen)
    row_tasks = layers * (-(-gate_columns // vector)) + -(-layout.size // vector) + -(-targets // vector)
    ld_pack = max(ld_first, ld_other, ld_top) + vector

    columns = ld_first + (layers - 1) * ld_other
    state = 2 * layers * ld_hidden
    work_forward = (
        rows * (columns + ld_gates + ld_top + own.ld_memory + state + ld_parameters + ld_targets + vector)
        + own.ld_scratch
        + 8 * vector
        + ld_first
    )
    chunk = segment * rows
    work_backward = (
        chunk * (columns + layers * ld_gates + ld_top + ld_parameters + ld_targets + layers * ld_hidden)
        + (segment + 1) * rows * (own.ld_memory + state)
        + rows * (own.ld_memory + own.ld_notes + state + 2 * ld_first + ld_other + ld_top)
        + (rows * (own.ld_memory + ld_start) if resets else 0)
        + own.ld_scratch
        + 8 * vector
    )
    engine = Sizes(
        batch=batch, time=time, rows=rows, blocks=blocks, lanes=min(blocks, MOST_LANES), keep=int(keep),
        direct=int(not keep and time * batch <= MOST_DIRECT), segment=segment, segments=segments,
        resets=int(resets),
        vector=vector, cell=CELLS.index(spec.cell), linear=spec.linear_units, gates=gates,
        inputs=spec.input_size, hidden=hidden, layers=layers,
        reads=reads, parameters=layout.size, wants_inputs=int(wants_inputs), targets=targets,
        gate_columns=gate_columns, columns_first=columns_first, columns_other=columns_other, columns_back=columns_back,
        ld_gates=ld_gates, ld_parameters=ld_parameters, ld_first=ld_first, ld_other=ld_other, ld_hidden=ld_hidden,
        ld_top=ld_top, ld_targets=ld_targets, ld_kept=ld_kept, ld_start=ld_start,
        pack_other=pack_other, pack_layer=pack_layer, pack_interface=pack_interface,
        pack_output=pack_output, pack_size=pack_size,
        back_other=back_other, back_layer=back_layer, back_interface=back_interface,
        back_output=back_output, back_size=back_size,
        grad_other=grad_other, grad_layer=grad_layer, grad_interface=grad_interface,
        grad_output=grad_output, grad_size=grad_output + targets * ld_top,
        saved_parameters=saved_parameters, saved_notes=saved_notes, saved_kept=saved_kept,
        saved_starts=saved_starts, saved_block=saved_block,
        saved_back=saved_back, saved_size=saved_back + (back_size if keep else 0),
        work_forward=work_forward, work_backward=work_backward,
        row_tasks=row_tasks, ld_pack=ld_pack, work_pack=vector * ld_pack,
    )  # fmt: skip
    return Places(engine, own)
