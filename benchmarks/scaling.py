"""What a training step costs against the steps of a sequence, the slots of the memory and their width."""

from collections.abc import Callable
from dataclasses import replace

from benchmarks.side import TITLES, sides
from benchmarks.size import PAPER, Size
from benchmarks.table import Column, Table, scaled, whole
from benchmarks.timing import Effort, Spread, take_turns

STEPS = (10, 40, 160, 640, 2000)
SLOTS = (32, 128, 512, 2048, 8192, 16384)
WIDTHS = (8, 20, 64, 128, 256)
# The reference is shown as far as a call of it stays near a second.
REFERENCE_STEPS, REFERENCE_CELLS = 160, 2048 * 20
STEPS_SECONDS, SLOTS_SECONDS, WIDTHS_SECONDS = 15, 12, 8


def steps(effort: Effort) -> Table:
    """Cost of a step against the length of the sequences: it should not depend on it."""
    sizes = {time: replace(PAPER, time=time) for time in effort.some(STEPS)}
    taken = _measure(sizes, STEPS_SECONDS, effort, lambda size: size.time <= REFERENCE_STEPS, also="lstm")
    rows = tuple({"time": time, **_costs(size, taken)} for time, size in sizes.items())
    columns = (
        Column("time", "steps", whole),
        _cost_column("cpu"),
        _cost_column("lstm"),
        _cost_column("reference"),
    )
    title = f"Training, microseconds a step and sequence against the number of steps (batch {PAPER.batch})"
    return Table("steps", title, columns, rows, ("In JSON: seconds.",))


def slots(effort: Effort) -> Table:
    """Cost of a step against the number of slots: linear."""
    return _cells(
        "slots", "slots", {n: replace(PAPER, slots=n, batch=4) for n in effort.some(SLOTS)}, SLOTS_SECONDS, effort
    )


def widths(effort: Effort) -> Table:
    """Cost of a step against the width of a slot: linear."""
    return _cells(
        "widths", "width", {w: replace(PAPER, width=w, batch=4) for w in effort.some(WIDTHS)}, WIDTHS_SECONDS, effort
    )


def _cells(name: str, heading: str, sizes: dict[int, Size], seconds: float, effort: Effort) -> Table:
    taken = _measure(sizes, seconds, effort, lambda size: size.slots * size.width <= REFERENCE_CELLS)
    rows = []
    for value, size in sizes.items():
        costs = _costs(size, taken)
        a_cell = costs["cpu"].map(lambda cost, cells=size.slots * size.width: cost / cells)
        rows.append({heading: value, "cells": size.slots * size.width, **costs, "a_cell": a_cell})
    columns = (
        Column(heading, heading, whole),
        Column("cells", "numbers in memory", whole),
        _cost_column("cpu"),
        Column("a_cell", "the same, nanoseconds a number in memory", scaled(1e9)),
        _cost_column("reference"),
    )
    fixed = next(iter(sizes.values()))
    rest = f"{fixed.width} wide" if heading == "slots" else f"{fixed.slots} slots"
    title = f"Training, microseconds a step and sequence against the memory's {heading} ({rest}, batch {fixed.batch})"
    return Table(name, title, columns, tuple(rows), ("In JSON: seconds.",))


def _measure(
    sizes: dict[int, Size], seconds: float, effort: Effort, affordable: Callable[[Size], bool], also: str | None = None
) -> dict[tuple[Size, str], Spread]:
    """Seconds of a training step by size and side. All sizes are measured in turn as well."""
    calls, keys = {}, {}
    for size in sizes.values():
        names = ["cpu", *([also] if also else []), *(["reference"] if affordable(size) else [])]
        for name, side in sides(size, *names).items():
            label = f"{size} {name}"
            calls[label], keys[label] = side.train, (size, name)
    return {keys[label]: spread for label, spread in take_turns(calls, seconds, effort).items()}


def _costs(size: Size, taken: dict[tuple[Size, str], Spread]) -> dict[str, Spread]:
    """Seconds a step and sequence, by side."""
    work = size.time * size.batch
    return {name: spread.map(lambda s: s / work) for (of, name), spread in taken.items() if of == size}


def _cost_column(name: str) -> Column:
    return Column(name, TITLES[name], scaled(1e6))
