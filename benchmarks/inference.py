"""Without gradients: whole sequences, and one step of a stream."""

from dataclasses import replace

from benchmarks.side import sides
from benchmarks.size import PAPER
from benchmarks.table import Column, Table, scaled, significant, whole
from benchmarks.timing import Effort, take_turns
from benchmarks.torch_side import TorchSide, plain_cell
from benchmarks.training_step import BATCHES, in_words, left_out, rate_columns, rates

FORWARD_SECONDS, STEP_SECONDS = 4, 4


def forward(effort: Effort) -> Table:
    """Sequences a second, forward only."""
    rows = []
    for batch in effort.some(BATCHES):
        each = sides(replace(PAPER, batch=batch))
        taken = take_turns({name: side.forward for name, side in each.items()}, FORWARD_SECONDS, effort)
        rows.append({"batch": batch, **rates(taken, batch), "to_lstm": taken["cpu"].over(taken["lstm"])})
    columns = (
        Column("batch", "batch", whole),
        *rate_columns(),
        Column("to_lstm", "time, in times of nn.LSTM's", significant),
    )
    return Table("forward", f"Forward only, sequences a second ({in_words(PAPER)})", columns, tuple(rows), left_out())


def step(effort: Effort) -> Table:
    """Latency of one step of a stream."""
    size = replace(PAPER, batch=1)
    calls = {name: side.step for name, side in sides(size).items()}
    calls["cell"] = TorchSide(plain_cell(size), size).step
    taken = take_turns(calls, STEP_SECONDS, effort)
    columns = (*rate_columns(), Column("cell", "torch.nn.LSTMCell + linear", significant))
    columns = tuple(replace(column, show=scaled(1e6)) for column in columns)
    ratios = (
        Column("to_lstm", "time, in times of nn.LSTM's", significant),
        Column("to_cell", "in times of nn.LSTMCell's", significant),
    )
    row = {**taken, **{f"to_{name}": taken["cpu"].over(taken[name]) for name in ("lstm", "cell")}}
    notes = ("In JSON: seconds.", *left_out())
    return Table("step", "`step()` at batch 1, microseconds", (*columns, *ratios), (row,), notes)
