"""The trace of one batch of fresh sequences."""

from neuraltape.evaluation.lengths import check_lengths
from neuraltape.evaluation.run import check_fits, generator_for
from neuraltape.nn import NTM, Trace
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.tasks.task import Task


def trace_length(model: SequenceModel, task: Task, length: int, *, sequences: int = 1, seed: int = 0) -> Trace:
    """Run a machine on fresh sequences of one length and keep everything that happens in it.

    The first sequence is the one that `example` draws with the same seed.

    Args:
        model: an NTM.
        task: what it learned. Sequences are drawn from `task.held_out()`.
        length: a positive integer, inside the range of training or beyond it.
        sequences: how many.
        seed: chooses them.

    Raises:
        ValueError: a model that is no NTM, a number that cannot be, or a machine that does not fit the task.
    """
    if not isinstance(model, NTM):
        raise ValueError(f"model must be an NTM to be traced; got a {type(model).__name__}")
    check_lengths([length], task)
    check_fits(model, task)
    batch = task.held_out().at_length(length).sample(sequences, generator_for(seed, "example", length))
    like = next(model.parameters())
    inputs, targets = batch.inputs.to(like.device, like.dtype), batch.targets
    if model.batch_first:
        inputs, targets = inputs.transpose(0, 1), targets.transpose(0, 1)
    return model.trace(inputs, lengths=batch.lengths.to(like.device), targets=targets)
