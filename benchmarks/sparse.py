"""What a sparse memory costs: a training step against the number of slots, and a step where all rows are searched."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from benchmarks.table import Column, Table, scaled, whole
from benchmarks.timing import Effort, take_turns
from neuraltape import NTM, SAM

# Slots; the second number is what the others are compared with. The first ones are those of a quick run.
SLOTS = (2**7, 2**12, 2**4, 2**5, 2**6, 2**9, 2**16, 2**20)
# A call of the dense memory stays near a second: of the largest that it has it takes two steps.
MOST_DENSE, FEW_STEPS = 2**16, 2
TIME, BATCH, LINKS = 100, 8, 8
SIZES: dict[str, Any] = {"memory_width": 32, "read_heads": 4}
SECONDS = 20
# Rows of a memory that is given.
ROWS = (2**16, 2**20)


def sparse(effort: Effort) -> Table:
    """Training, forward and backward: from a fresh memory, so that all sizes write the same rows."""
    _check()
    calls: dict[str, Callable[[], object]] = {}
    for slots in effort.some(SLOTS):
        calls[f"sam {slots}"] = partial(_train, SAM(9, 100, 8, memory_slots=slots, **SIZES), _inputs(TIME))
        linked = SAM(9, 100, 8, memory_slots=slots, sparse_links=LINKS, **SIZES)
        calls[f"links {slots}"] = partial(_train, linked, _inputs(TIME))
        if slots <= MOST_DENSE:
            dense = NTM(9, 100, 8, memory_slots=slots, write_heads=4, **SIZES)
            calls[f"ntm {slots}"] = partial(_train, dense, _inputs(_dense_time(slots)))
    taken = take_turns(calls, SECONDS, effort)
    rows = []
    base = effort.some(SLOTS)[1]
    for slots in sorted(effort.some(SLOTS)):
        row: dict[str, Any] = {"slots": slots, "sam": taken[f"sam {slots}"].map(partial(_a_step, TIME))}
        row["growth"] = taken[f"sam {slots}"].over(taken[f"sam {base}"])
        row["links"] = taken[f"links {slots}"].over(taken[f"sam {slots}"])
        if slots <= MOST_DENSE:
            row["ntm"] = taken[f"ntm {slots}"].map(partial(_a_step, _dense_time(slots)))
            row["times"] = row["ntm"].over(row["sam"])
        row["saved"] = _saved(slots)
        rows.append(row)
    columns = (
        Column("slots", "slots", whole),
        Column("sam", "SAM, milliseconds a step", scaled(1e3)),
        Column("growth", f"of that at {base:,} slots", scaled(1)),
        Column("links", f"with {LINKS} links, of that", scaled(1)),
        Column("ntm", "NTM, milliseconds a step", scaled(1e3)),
        Column("times", "SAM is so many times as fast", scaled(1)),
        Column("saved", f"SAM: saved for the backward pass of {TIME} steps, MB", scaled(1e-6)),
    )
    title = f"A sparse memory: training, batch {BATCH}, 4 heads, width 32, LSTM 100, {TIME} steps from a fresh memory"
    notes = (
        "In JSON: seconds and bytes.",
        f"The NTM has 4 write heads, and takes {FEW_STEPS} steps at {MOST_DENSE:,} slots.",
    )
    return Table("sparse", title, columns, tuple(rows), notes)


def scan(effort: Effort) -> Table:
    """A step of one sequence whose memory is given: all rows are searched for four heads."""
    _check()
    sizes, cores = effort.some(ROWS), os.cpu_count() or 1
    calls: dict[str, Callable[[], object]] = {}
    with torch.no_grad():
        for rows in sizes:
            memory = torch.randn(1, rows, 32, generator=torch.Generator().manual_seed(0))
            sam, x = SAM(9, 100, 8, memory_slots=2**21, **SIZES), _inputs(1)[0, :1]
            state = sam.initial_state(1, memory)
            calls[f"stream {rows}"] = partial(sam.stream(state).step, x)
            calls[f"together {rows}"] = partial(_with_threads, cores, partial(sam.stream(state).step, x))
            calls[f"step {rows}"] = partial(_step, sam, x, state)
            calls[f"read {rows}"] = memory.sum
        taken = take_turns(calls, SECONDS, effort)
    rows_of_table = tuple(
        {
            "rows": rows,
            "stream": taken[f"stream {rows}"],
            "together": taken[f"together {rows}"],
            "times": taken[f"stream {rows}"].over(taken[f"together {rows}"]),
            "step": taken[f"step {rows}"],
            "copies": taken[f"step {rows}"].over(taken[f"stream {rows}"]),
            "read": taken[f"stream {rows}"].over(taken[f"read {rows}"]),
        }
        for rows in sizes
    )
    columns = (
        Column("rows", "rows", whole),
        Column("stream", "step of a stream, milliseconds", scaled(1e3)),
        Column("together", f"with {cores} threads", scaled(1e3)),
        Column("times", "so many times as fast", scaled(1)),
        Column("step", "step(), milliseconds", scaled(1e3)),
        Column("copies", "of a stream's step", scaled(1)),
        Column("read", "a stream's step, of a sum of all numbers", scaled(1)),
    )
    title = (
        "A given memory: a step of one sequence, 4 heads, width 32, LSTM 100, without gradients, one thread if not said"
    )
    notes = ("In JSON: seconds.", "A sum of all numbers reads them once, at the speed of the memory.")
    return Table("scan", title, columns, rows_of_table, notes)


def _with_threads(count: int, call: Callable[[], object]) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        call()
    finally:
        torch.set_num_threads(before)


@torch.no_grad()
def _step(sam: SAM, x: torch.Tensor, state: Any) -> None:
    sam.step(x, state)


def _a_step(steps: int, seconds: float) -> float:
    return seconds / steps


def _dense_time(slots: int) -> int:
    return FEW_STEPS if slots == MOST_DENSE else TIME


def _check() -> None:
    """Raise RuntimeError unless outputs and gradients are those of the reference, in float64."""
    for links in (0, LINKS):
        results = []
        for backend in ("cpu", "reference"):
            torch.manual_seed(0)
            sam = SAM(9, 100, 8, memory_slots=2**12, sparse_links=links, backend=backend, **SIZES).double()
            outputs, _ = sam(_inputs(20).double())
            results.append([outputs, *torch.autograd.grad(outputs.square().sum(), list(sam.parameters()))])
        worst = max(float((a - b).detach().norm() / b.detach().norm()) for a, b in zip(*results, strict=True))
        if not worst <= 1e-10:
            raise RuntimeError(f"the sparse memory is {worst:.1e} from its reference, so it is not measured")


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
