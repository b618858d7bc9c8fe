"""All weights of a model as one vector, and their moving average."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class FlatParameters:
    """One vector with all the weights, one with all the gradients; the model's own parameters become views of them.

    So an optimiser's step costs one call for the whole model instead of one a tensor.

    Args:
        parameters: names and parameters, of one dtype, on one device. They must stay there from now on.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter]) -> None:
        self.named = dict(parameters)
        each = list(self.named.values())
        self.weights = nn.Parameter(torch.cat([parameter.detach().flatten() for parameter in each]))
        self.gradient = torch.zeros_like(self.weights)
        self.weights.grad = self.gradient
        start = 0
        for parameter in each:
            end = start + parameter.numel()
            parameter.data = self.weights.detach()[start:end].view(parameter.shape)
            parameter.grad = self.gradient[start:end].view(parameter.shape)
            start = end

    @torch.no_grad()
    def set(self, weights: Tensor) -> None:
        """Put other weights in."""
        self.weights.copy_(weights)


class Average:
    """A moving average of the weights, which is often better than the weights themselves.

    average = decay average + (1 - decay) weights, after every step.

    Until there are many steps the decay is (1 + steps) / (10 + steps), so that the first weights are soon forgotten.

    Args:
        flat: the weights.
        decay: 0 to below 1; 0 keeps no average, and `applied` does nothing.
    """

    def __init__(self, flat: FlatParameters, decay: float) -> None:
        self.flat, self.decay = flat, decay
        self.weights: Tensor | None = flat.weights.detach().clone() if decay > 0 else None

    @torch.no_grad()
    def update(self, steps: int) -> None:
        """Take the weights after so many steps into account."""
        if self.weights is not None:
            self.weights.lerp_(self.flat.weights, 1 - min(self.decay, (1 + steps) / (10 + steps)))

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The average stands in the model's parameters while this lasts."""
        if self.weights is None:
            yield
            return
        weights = self.flat.weights.detach().clone()
        self.flat.set(self.weights)
        try:
            yield
        finally:
            self.flat.set(weights)
