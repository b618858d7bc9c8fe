"""What a training step of a sparse memory costs against the number of slots, beside a dense one."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from benchmarks.table import Column, Table, scaled, whole
from benchmarks.timing import Effort, take_turns
from neuraltape import NTM, SAM

# Slots; the second number is what the others are compared with.
SLOTS = (2**7, 2**12, 2**16, 2**20)
# A call of the dense memory stays near a second.
MOST_DENSE = 2**16
TIME, BATCH, DENSE_TIME = 100, 8, 5
SIZES: dict[str, Any] = {"memory_width": 32, "read_heads": 4}
SECONDS = 20


def sparse(effort: Effort) -> Table:
    """Training, forward and backward: from a fresh memory, so that all sizes write the same rows."""
    calls: dict[str, Callable[[], object]] = {}
    for slots in effort.some(SLOTS):
        calls[f"sam {slots}"] = partial(_train, SAM(9, 100, 8, memory_slots=slots, **SIZES), _inputs(TIME))
        if slots <= MOST_DENSE:
            dense = NTM(9, 100, 8, memory_slots=slots, write_heads=4, **SIZES)
            calls[f"ntm {slots}"] = partial(_train, dense, _inputs(DENSE_TIME))
    taken = take_turns(calls, SECONDS, effort)
    rows = []
    base = effort.some(SLOTS)[1]
    for slots in effort.some(SLOTS):
        row: dict[str, Any] = {"slots": slots, "sam": taken[f"sam {slots}"].map(lambda s: s / TIME)}
        row["growth"] = taken[f"sam {slots}"].over(taken[f"sam {base}"])
        if slots <= MOST_DENSE:
            row["ntm"] = taken[f"ntm {slots}"].map(lambda s: s / DENSE_TIME)
            row["times"] = row["ntm"].over(row["sam"])
        row["saved"] = _saved(slots)
        rows.append(row)
    columns = (
        Column("slots", "slots", whole),
        Column("sam", "SAM, milliseconds a step", scaled(1e3)),
        Column("growth", f"of that at {base:,} slots", scaled(1)),
        Column("ntm", "NTM, milliseconds a step", scaled(1e3)),
        Column("times", "SAM is so many times as fast", scaled(1)),
        Column("saved", f"SAM: saved for the backward pass of {TIME} steps, MB", scaled(1e-6)),
    )
    title = f"A sparse memory: training, batch {BATCH}, 4 heads, width 32, LSTM 100, {TIME} steps from a fresh memory"
    notes = ("In JSON: seconds and bytes.", f"The NTM has 4 write heads, and takes {DENSE_TIME} steps.")
    return Table("sparse", title, columns, tuple(rows), notes)


def _inputs(time: int) -> torch.Tensor:
    return torch.rand(time, BATCH, 9, generator=torch.Generator().manual_seed(0))


def _train(machine: Any, inputs: torch.Tensor) -> None:
    outputs, _ = machine(inputs)
    outputs.sum().backward()


def _saved(slots: int) -> int:
    """Bytes that autograd keeps of a call, parameters apart."""
    sam, kept = SAM(9, 100, 8, memory_slots=slots, **SIZES), {}
    own = {each.data_ptr() for each in sam.parameters()}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        outputs, state = sam(_inputs(TIME))
    del outputs, state
    return sum(kept.values())
