"""A moving average of the weights, which is often better than the weights themselves."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from neuraltape.training.flat import FlatParameters


class Average:
    """average = decay average + (1 - decay) weights, after every step.

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
