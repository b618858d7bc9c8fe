"""Peak memory of training on long sequences, each side in a process of its own."""

from pathlib import Path

from benchmarks.child import run_child
from benchmarks.side import SIDES, TITLES, why_left_out
from benchmarks.table import Column, Table, scaled, whole
from benchmarks.timing import Effort
from benchmarks.training_step import left_out

BATCH = 64
TIMES = (100, 1000)
# Of the memory that is free; a side that is expected to need more is left out.
SHARE = 0.8


def memory(effort: Effort) -> Table:
    """Bytes above the start of the training step, at the paper's size."""
    rows, notes = [], []
    before: dict[str, float] = {}
    for time in TIMES[:1] if effort.quick else TIMES:
        row: dict[str, float] = {"time": time}
        for name in SIDES:
            expected = before.get(name, 0) * time / TIMES[0]
            if why_left_out(name) is not None:
                continue
            if expected > SHARE * _free():
                notes.append(
                    f"{TITLES[name]} at {time} steps is left out: {_MEGABYTES(expected)} MB are expected, "
                    f"{_MEGABYTES(_free())} MB are free."
                )
                continue
            row[name] = run_child("benchmarks.peak_program", name, time, BATCH)["above"]
        before = before or row
        rows.append(row)
    columns = (
        Column("time", "steps", whole),
        *(Column(name, TITLES[name], _MEGABYTES) for name in SIDES if why_left_out(name) is None),
    )
    title = f"Peak memory of a training step above its start, MB (paper's size, batch {BATCH})"
    return Table("memory", title, columns, tuple(rows), ("In JSON: bytes.", *notes, *left_out()))


_MEGABYTES = scaled(1e-6)


def _free() -> int:
    """Bytes that a process could get now; none where the system does not say."""
    listing = Path("/proc/meminfo")
    lines = listing.read_text(encoding="ascii").splitlines() if listing.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), 0)
