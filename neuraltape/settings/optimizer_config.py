"""How the weights are changed: the fields are command-line flags and keys of `config.yaml`."""

from dataclasses import dataclass
from typing import Literal

from neuraltape.settings.checks import check_choice, check_positive, check_range


@dataclass(frozen=True)
class OptimizerConfig:
    """Optimiser, learning-rate schedule, clipping and averaging of weights."""

    optimizer: Literal["adam", "rmsprop"] = "adam"
    """Adam, or RMSProp in the form of Graves (2013), which the paper uses."""
    learning_rate: float = 1e-3
    """Learning rate after the warm-up (the paper: RMSProp at 1e-4, copy at 3e-5)."""
    momentum: float = 0.9
    """RMSProp: momentum."""
    decay: float = 0.95
    """RMSProp: decay of the running means of the gradient and of its square."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Adam: decay of the running means of the gradient and of its square."""
    eps: float | None = None
    """Keeps the step finite where gradients vanish; null: 1e-8 for Adam, 1e-4 for RMSProp."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """Course of the learning rate from the warm-up to max_sequences; linear and cosine end at 0."""
    warmup_steps: int = 0
    """Steps in which the learning rate rises from 0."""
    clip: Literal["adaptive", "norm", "value", "none"] = "norm"
    """Gradient clipping: by the norm of all together against its running mean; by that norm; by element; none."""
    clip_at: float = 1.0
    """Bound of the clipping; adaptive: in multiples of the running mean (the paper: clip=value, clip_at=10)."""
    clip_floor: float = 0.0
    """Adaptive clipping: a gradient of up to this norm always passes, however short the usual one is."""
    average: float = 0.0
    """Decay of a moving average of the weights, which is then what is evaluated and kept; 0: off."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "betas", tuple(self.betas))
        check_choice(self, "optimizer", ("adam", "rmsprop"))
        check_choice(self, "schedule", ("constant", "linear", "cosine"))
        check_choice(self, "clip", ("adaptive", "norm", "value", "none"))
        check_positive(self, "learning_rate")
        check_positive(self, "clip_at")
        check_range(self, "clip_floor", 0, None)
        check_range(self, "momentum", 0, 1)
        check_range(self, "decay", 0, 1)
        check_range(self, "average", 0, 1)
        check_range(self, "warmup_steps", 0, None)
        if self.eps is not None:
            check_positive(self, "eps")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas must be two numbers from 0 to below 1; got {list(self.betas)}")
