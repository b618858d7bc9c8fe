"""RMSProp in the form of Graves (2013), arXiv 1308.0850, equations 38 to 41, which the paper trains with."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class RMSProp(Optimizer):
    """Steps of the size of the learning rate over the gradient's running standard deviation, with momentum.

        square = decay square + (1 - decay) g^2
        mean = decay mean + (1 - decay) g
        delta = momentum delta - learning_rate g / sqrt(square - mean^2 + eps)
        weights = weights + delta

    `torch.optim.RMSprop(centered=True)` adds eps outside of the root, where rounding can make the variance negative,
    and multiplies by the learning rate after the momentum.

    Args:
        parameters: what to train.
        learning_rate, momentum, decay, eps: as above.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float,
        *,
        momentum: float = 0.9,
        decay: float = 0.95,
        eps: float = 1e-4,
    ) -> None:
        super().__init__(parameters, {"lr": learning_rate, "momentum": momentum, "decay": decay, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change the parameters once, by the gradients that they hold."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group)
        return loss

    def _update(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            for name in ("square", "mean", "delta"):
                state[name] = torch.zeros_like(parameter)
        square, mean, delta = state["square"], state["mean"], state["delta"]
        square.mul_(group["decay"]).addcmul_(gradient, gradient, value=1 - group["decay"])
        mean.lerp_(gradient, 1 - group["decay"])
        deviation = square.addcmul(mean, mean, value=-1).clamp_min_(0).add_(group["eps"]).sqrt_()
        delta.mul_(group["momentum"]).addcdiv_(gradient, deviation, value=-group["lr"])
        parameter.add_(delta)
