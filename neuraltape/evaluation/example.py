"""One sequence in full: what a machine should have said, what it said, and where it was wrong."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import one_hot

from neuraltape.evaluation.lengths import check_lengths
from neuraltape.evaluation.run import check_fits, generator_for, outputs_of
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.printed import record_repr
from neuraltape.tasks.batch import Batch
from neuraltape.tasks.score import BASE
from neuraltape.tasks.table import Kind
from neuraltape.tasks.task import Task


@dataclass(frozen=True)
class Example:
    """The scored steps of one sequence, as arrays of (steps, output)."""

    length: int
    """The sequence's length, in the task's own unit."""
    targets: NDArray[np.floating]
    """Bits, values, or a one at the class or at each digit."""
    predictions: NDArray[np.floating]
    """Probabilities of bits, classes or digits; values as they are."""
    errors: NDArray[np.bool_]
    """Where the prediction is wrong; a wrong class or digit is marked where it was predicted."""
    bits: float
    """Cost, in the unit of the task's score."""

    __repr__ = record_repr

    @property
    def wrong(self) -> int:
        """Wrong targets."""
        return int(self.errors.sum())


def example(model: SequenceModel, task: Task, length: int, *, seed: int = 0) -> Example:
    """Run a machine on one fresh sequence.

    Args:
        model: the machine, on any device.
        task: what it learned. The sequence is drawn from `task.held_out()`.
        length: a positive integer, inside the range of training or beyond it.
        seed: chooses the sequence.

    Raises:
        ValueError: a length that cannot be, or a machine that does not fit the task.
    """
    check_lengths([length], task)
    check_fits(model, task)
    of_length = task.held_out().at_length(length)
    batch = of_length.sample(1, generator_for(seed, "example", length))
    outputs = outputs_of(model, batch)
    targets, predictions, errors = compare(task.target_kind, batch, outputs.double())
    scored = batch.mask[:, 0]
    return Example(
        length=length,
        targets=targets[scored, 0].numpy(),
        predictions=predictions[scored, 0].numpy(),
        errors=errors[scored, 0].numpy(),
        bits=of_length.score(outputs, batch).bits.item(),
    )


def compare(kind: Kind, batch: Batch, outputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Targets, predictions and errors, each (time, batch, output), of steps that aren't scored too.

    What counts as wrong is what `Task.score` counts.
    """
    if kind == "classes":
        targets = one_hot(torch.where(batch.mask, batch.targets, 0), outputs.shape[-1])
        chosen = one_hot(outputs.argmax(-1), outputs.shape[-1])
        return targets.double(), outputs.softmax(-1), (chosen == 1) & (targets == 0)
    targets = batch.targets.double()
    if kind == "digits":
        choices = outputs.unflatten(-1, (-1, BASE))
        chosen = one_hot(choices.argmax(-1), BASE).flatten(-2)
        return targets, choices.softmax(-1).flatten(-2), (chosen == 1) & (targets == 0)
    if kind == "values":
        return targets, outputs, ~((outputs - targets).abs() <= 0.5)
    return targets, outputs.sigmoid(), ~torch.where(targets > 0.5, outputs > 0, outputs <= 0)
