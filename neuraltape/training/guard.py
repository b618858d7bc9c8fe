"""What a training does when a number is no longer finite: find the first bad tensor and keep the batch that did it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from neuraltape.runs.files import write_atomically
from neuraltape.tasks.batch import Batch


def first_bad(tensors: Iterable[tuple[str, Tensor | None]]) -> str | None:
    """The name of the first that holds a NaN or an infinity, if one does."""
    return next((name for name, each in tensors if each is not None and not torch.isfinite(each).all()), None)


def first_bad_of_step(parameters: Mapping[str, nn.Parameter], outputs: Tensor, loss: Tensor) -> str:
    """The first tensor that is not finite, in the order in which a step computes them.

    Args:
        parameters: names and parameters, with the gradients of the step.
        outputs: what the model gave.
        loss: a scalar.
    """
    weights = [(f"weight {name}", each) for name, each in parameters.items()]
    gradients = [(f"gradient of {name}", each.grad) for name, each in parameters.items()]
    # Gradients can be finite and their squares not: then no tensor is bad, but their norm is.
    return first_bad([*weights, ("outputs", outputs), ("loss", loss), *gradients]) or "norm of the gradients"


def save_batch(path: Path, batch: Batch, *, step: int, tensor: str) -> None:
    """Keep the batch in a safetensors file, with the step and the bad tensor's name in its header."""
    tensors = {name: each.contiguous() for name, each in batch._asdict().items()}
    write_atomically(path, save(tensors, {"neuraltape": json.dumps({"step": step, "tensor": tensor})}))
