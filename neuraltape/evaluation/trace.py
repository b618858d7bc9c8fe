"""The trace of one batch: of fresh sequences, or of given ones."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from neuraltape.evaluation.lengths import check_lengths
from neuraltape.evaluation.run import check_fits, generator_for, taken
from neuraltape.nn import Intervention, Trace, traceable
from neuraltape.tasks.batch import Batch
from neuraltape.tasks.task import Task


def trace_length(model: Any, task: Task, length: int, *, sequences: int = 1, seed: int = 0) -> Trace:
    """Run a machine on fresh sequences of one length and keep everything that happens in it.

    The first sequence is the one that `example` draws with the same seed.

    Args:
        model: a machine that can be traced.
        task: what it learned. Sequences are drawn from `task.held_out()`.
        length: a positive integer, inside the range of training or beyond it.
        sequences: how many.
        seed: chooses them.

    Raises:
        ValueError: a model that cannot be traced, a number that cannot be, or a machine that does not fit the task.
    """
    check_lengths([length], task)
    check_fits(model, task)
    batch = task.held_out().at_length(length).sample(sequences, generator_for(seed, "example", length))
    return trace_batch(model, task, batch)


def trace_batch(model: Any, task: Task, batch: Batch, *, intervene: Sequence[Intervention] = ()) -> Trace:
    """Run a machine on a batch of a task and keep everything that happens in it.

    Args:
        model: a machine that can be traced.
        task: what the batch was drawn from.
        batch: the sequences.
        intervene: what is changed on the way.

    Raises:
        ValueError: a model that cannot be traced, or a change that doesn't apply.
    """
    if not traceable(model):
        raise ValueError(f"model must be one that can be traced; {type(model).__name__} has no heads to follow")
    inputs = taken(model, batch)
    targets = batch.targets.transpose(0, 1) if model.batch_first else batch.targets
    lengths = batch.lengths.to(inputs.device)
    trace = model.trace(inputs, lengths=lengths, targets=targets, intervene=intervene)
    return replace(trace, target_kind=task.target_kind, scored=batch.mask)
