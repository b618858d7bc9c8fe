"""Given sequences in full, to be drawn: what went in, what should have come out, what came out, where heads looked."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuraltape.evaluation.example import compare
from neuraltape.evaluation.run import check_fits, outputs_of
from neuraltape.evaluation.trace import trace_batch
from neuraltape.nn import Trace, traceable
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.printed import record_repr
from neuraltape.tasks.table_task import TableTask


@dataclass(frozen=True)
class Shown:
    """One sequence of a table, as arrays without padding."""

    row: int
    """Its place in the table, from 0."""
    inputs: NDArray[np.floating]
    """(time, input)."""
    targets: NDArray[np.floating]
    """(time, output); 0 where nothing is scored. Classes: a single 1."""
    predictions: NDArray[np.floating]
    """(time, output): probabilities; values as they are."""
    errors: NDArray[np.bool_]
    """(time, output), where the prediction is wrong; a wrong class is marked where it was predicted."""
    scored: NDArray[np.bool_]
    """(time,)."""
    cost: float
    """The task's own score of the sequence."""

    __repr__ = record_repr

    @property
    def wrong(self) -> int:
        """Wrong targets."""
        return int(self.errors.sum())


def show_rows(model: SequenceModel, task: TableTask, rows: Tensor) -> tuple[list[Shown], Trace | None]:
    """Run a machine on some rows of a task's table.

    Args:
        model: the machine, on any device.
        task: what it learned.
        rows: (rows,) numbers in the table, at least one.

    Returns:
        One a row, in order; and the trace, its sequences in the same order, where the machine can be traced.

    Raises:
        ValueError: a machine that does not fit the task.
    """
    check_fits(model, task)
    batch = task.batch(rows)
    inputs = batch.shown(task.input_size).inputs
    trace = trace_batch(model, task, batch) if traceable(model) else None
    outputs = outputs_of(model, batch) if trace is None else trace.outputs
    scores = task.score(outputs, batch)
    scored = batch.mask.unsqueeze(-1)
    targets, predictions, errors = compare(task.target_kind, batch, outputs.double())
    parts = (inputs, torch.where(scored, targets, 0.0), predictions, errors & scored, batch.mask)
    found = []
    for number, (row, length) in enumerate(zip(rows.tolist(), batch.lengths.tolist(), strict=True)):
        went_in, wanted, given, wrong, counted = (part[:length, number].numpy() for part in parts)
        found.append(Shown(row, went_in, wanted, given, wrong, counted, scores.bits[number].item()))
    return found, trace
