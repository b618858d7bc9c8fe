"""One batch through a machine, and where the random numbers of an evaluation come from."""

from hashlib import blake2b

import torch
from torch import Tensor

from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.tasks.batch import Batch
from neuraltape.tasks.task import Task

# Sequences that are run at once. Fixed: where they are drawn, the same ones are drawn on every machine.
CHUNK = 50


@torch.no_grad()
def outputs_of(model: SequenceModel, batch: Batch) -> Tensor:
    """The machine's outputs before any activation, (time, batch, output), on the CPU."""
    inputs = taken(model, batch)
    outputs, _ = model(inputs, lengths=batch.lengths.to(inputs.device))
    return (outputs.transpose(0, 1) if model.batch_first else outputs).cpu()


def taken(model: SequenceModel, batch: Batch) -> Tensor:
    """A batch's inputs as the machine takes them, on its device: symbols one-hot where it has no embedding."""
    like = next(model.parameters())
    embedded = model.embedding_size > 0
    inputs = (batch if embedded else batch.shown(model.input_size)).inputs
    inputs = inputs.to(like.device, None if embedded else like.dtype)
    return inputs.transpose(0, 1) if model.batch_first else inputs


def generator_for(seed: int, purpose: str, length: int) -> torch.Generator:
    """A generator of its own for each length, so that a score does not depend on which other lengths are asked for."""
    digest = blake2b(f"{seed} {purpose} {length}".encode(), digest_size=7).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little"))


def check_fits(model: SequenceModel, task: Task) -> None:
    """Raise ValueError unless the machine has the task's input and output size."""
    for name in ("input_size", "output_size"):
        has, needs = getattr(model, name), getattr(task, name)
        if has != needs:
            raise ValueError(f"model must have {name} {needs} for the task {task.name}; it has {has}")
