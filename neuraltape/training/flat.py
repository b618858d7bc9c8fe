"""All parameters of a model as one: an optimiser's step costs one call for the whole model instead of one a tensor."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class FlatParameters:
    """One vector with all the weights, one with all the gradients; the model's own parameters become views of them.

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
