"""What changes the weights: clipping of the gradient, the optimiser, and its state from and to a checkpoint."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from neuraltape.settings.optimizer import AdamSettings, OptimizerSettings, RMSPropSettings

# The decay of the running mean of gradient norms: it looks back over about 20 steps.
DECAY = 0.95


def build_optimizer(settings: OptimizerSettings, weights: nn.Parameter) -> Optimizer:
    """The optimiser for these weights."""
    if isinstance(settings, RMSPropSettings):
        options = {"momentum": settings.momentum, "decay": settings.decay, "eps": settings.eps}
        return RMSProp([weights], settings.learning_rate, **options)
    assert isinstance(settings, AdamSettings)
    # Fused: one pass over the memory instead of a dozen.
    fused = weights.device.type in ("cpu", "cuda")
    return Adam([weights], settings.learning_rate, betas=settings.betas, eps=settings.eps, fused=fused)


def state_names(settings: OptimizerSettings) -> tuple[str, ...]:
    """What the optimiser keeps of each of its parameters, as a checkpoint names it."""
    return RMSProp.STATE if isinstance(settings, RMSPropSettings) else ("step", "exp_avg", "exp_avg_sq")


def optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """The optimiser's state as "index.name" -> tensor. Its settings are no part of it."""
    state = optimizer.state_dict()["state"]
    return {f"{index}.{name}": tensor for index, entry in state.items() for name, tensor in entry.items()}


def restore_optimizer(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put back what `optimizer_tensors` gave."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


class Clipping:
    """Brings gradients within a bound, in place.

    Adaptive clipping has no fixed bound: a gradient may be `clip_at` times as long as usual. The usual length is a
    running mean of the norms, each as long as it was after clipping. A machine's gradient falls a hundredfold while it
    learns, and where a focus is torn between two slots one sequence's gradient is a hundred times longer than
    all others together; a fixed bound that lets it learn lets that sequence undo what was learnt. But once nearly all
    sequences are right the usual gradient is tiny, and from the few that still fail nothing would be learnt: a floor
    under the bound lets theirs through.

    Args:
        kind: "adaptive", "norm", "value" or "none".
        at: the bound; adaptive: in multiples of the usual length.
    """

    def __init__(self, kind: str, at: float) -> None:
        self.kind, self.at = kind, at
        # On the CPU in float64, so that a checkpoint keeps it exactly. 0: no gradient seen yet.
        self.usual = torch.zeros((), dtype=torch.float64)

    def apply(self, gradient: Tensor, norm: float, *, floor: float = 0.0) -> None:
        """Clip a gradient.

        Args:
            gradient: any shape.
            norm: its Euclidean norm.
            floor: adaptive clipping lets a gradient of this norm pass.
        """
        if self.kind == "value":
            gradient.clamp_(-self.at, self.at)
        elif self.kind == "norm":
            self._shorten(gradient, norm, self.at)
        elif self.kind == "adaptive":
            usual = self.usual.item() or norm
            bound = max(self.at * usual, floor)
            self._shorten(gradient, norm, bound)
            self.usual.fill_(DECAY * usual + (1 - DECAY) * min(norm, bound))

    @staticmethod
    def _shorten(gradient: Tensor, norm: float, bound: float) -> None:
        if norm > bound:
            gradient.mul_(bound / norm)


class RMSProp(Optimizer):
    """RMSProp in the form of Graves (2013), arXiv 1308.0850, equations 38 to 41, which the paper trains with.

    Steps of the size of the learning rate over the gradient's running standard deviation, with momentum.

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

    STATE = ("square", "mean", "delta")

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
            for name in self.STATE:
                state[name] = torch.zeros_like(parameter)
        square, mean, delta = state["square"], state["mean"], state["delta"]
        square.mul_(group["decay"]).addcmul_(gradient, gradient, value=1 - group["decay"])
        mean.lerp_(gradient, 1 - group["decay"])
        deviation = square.addcmul(mean, mean, value=-1).clamp_min_(0).add_(group["eps"]).sqrt_()
        delta.mul_(group["momentum"]).addcdiv_(gradient, deviation, value=-group["lr"])
        parameter.add_(delta)
