"""One training step of every side: the paper's machine over batches, and a larger one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from benchmarks.side import SIDES, TITLES, sides, why_left_out
from benchmarks.size import LARGER, PAPER, Size
from benchmarks.table import Column, Table, significant, whole
from benchmarks.timing import Effort, Spread, take_turns
from benchmarks.torch_side import TorchSide, tape

BATCHES = (1, 16, 64, 256)
SECONDS = 8


def training(effort: Effort) -> Table:
    """Sequences a second at the paper's size."""
    rows = []
    for batch in effort.some(BATCHES):
        size = replace(PAPER, batch=batch)
        calls = {name: side.train for name, side in sides(size).items()}
        calls["apart"] = TorchSide(tape(size, backend="cpu"), size).train
        taken = take_turns(calls, SECONDS, effort)
        ratios = {f"{name}_to_lstm": taken[name].over(taken["lstm"]) for name in ("cpu", "apart")}
        rows.append({"batch": batch, **rates(taken, batch), **ratios, **_gain(taken)})
    columns = (
        Column("batch", "batch", whole),
        *rate_columns(),
        Column("apart", f"{TITLES['cpu']}, call and loss apart", significant),
        Column("cpu_to_lstm", "time, in times of nn.LSTM's", significant),
        Column("apart_to_lstm", "the same, call and loss apart", significant),
        Column("to_reference", "times as fast as the reference", significant),
    )
    title = f"Training step, sequences a second ({in_words(PAPER)})"
    return Table("training", title, columns, tuple(rows), left_out())


def larger(effort: Effort) -> Table:
    """A larger machine."""
    taken = take_turns({name: side.train for name, side in sides(LARGER).items()}, 1.5 * SECONDS, effort)
    row = {"batch": LARGER.batch, **rates(taken, LARGER.batch), **_gain(taken)}
    columns = (
        Column("batch", "batch", whole),
        *rate_columns(),
        Column("to_reference", "times as fast as the reference", significant),
    )
    title = f"Training step of a larger machine, sequences a second ({in_words(LARGER)})"
    return Table("larger", title, columns, (row,), left_out())


def rates(taken: Mapping[str, Spread], batch: int) -> dict[str, Any]:
    """Sequences a second of every side."""
    return {name: spread.map(lambda seconds: batch / seconds) for name, spread in taken.items()}


def rate_columns() -> tuple[Column, ...]:
    """One column a side that can take part."""
    return tuple(Column(name, TITLES[name], significant) for name in SIDES if why_left_out(name) is None)


def left_out() -> tuple[str, ...]:
    """Which sides are missing, and why."""
    reasons = {name: why_left_out(name) for name in SIDES}
    return tuple(f"{TITLES[name]} is left out: {reason}." for name, reason in reasons.items() if reason)


def in_words(size: Size) -> str:
    """The sizes of the machine and of its sequences."""
    return (
        f"input {size.input_size}, hidden {size.hidden_size}, memory {size.slots} x {size.width}, "
        f"{size.read_heads} read and {size.write_heads} write heads, {size.time} steps"
    )


def _gain(taken: Mapping[str, Spread]) -> dict[str, Spread]:
    return {"to_reference": taken["reference"].over(taken["cpu"])}
