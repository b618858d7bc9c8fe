"""What a training says when a number is no longer finite: the first bad tensor."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn


class NonFiniteError(RuntimeError):
    """A loss, a gradient or a weight is NaN or infinite. The message names the step, the tensor and the saved batch."""


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
