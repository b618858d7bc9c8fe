"""How the weights are changed: what every optimiser has, and what each has for itself."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from neuraltape.settings.checks import check_choice, check_needed, check_positive, check_range

CLIPPING = ("adaptive", "norm", "value", "none")


@dataclass(frozen=True)
class OptimizerSettings:
    """Base class: learning rate, clipping and averaging of weights.

    Raises:
        ValueError: a value that cannot be.
    """

    name: ClassVar[str]
    """What files and the command line call the optimiser."""

    learning_rate: float = 1e-3
    """Learning rate after the warm-up (the paper: RMSProp at 1e-4, copy at 3e-5)."""
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
    weight_decay: float = 0.0
    """Each step takes this share times the learning rate off every weight (Loshchilov and Hutter 2019, AdamW)."""
    average: float = 0.0
    """Decay of a moving average of the weights, which is then what is evaluated and kept; 0: off."""

    def __post_init__(self) -> None:
        check_choice(self, "schedule", ("constant", "linear", "cosine"))
        check_choice(self, "clip", CLIPPING)
        check_positive(self, "learning_rate")
        check_positive(self, "clip_at")
        check_range(self, "clip_floor", 0, None)
        check_range(self, "weight_decay", 0, None)
        check_range(self, "average", 0, 1)
        check_range(self, "warmup_steps", 0, None)
        check_needed(self, ["clip_at"], self.clip != "none", "clipping")
        check_needed(self, ["clip_floor"], self.clip == "adaptive", "clip adaptive")


@dataclass(frozen=True)
class AdamSettings(OptimizerSettings):
    """Adam (Kingma and Ba 2015, arXiv 1412.6980).

    Raises:
        ValueError: a value that cannot be.
    """

    name: ClassVar[str] = "adam"

    betas: tuple[float, float] = (0.9, 0.999)
    """Decay of the running means of the gradient and of its square."""
    eps: float = 1e-8
    """Keeps the step finite where gradients vanish."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "betas", tuple(self.betas))
        check_positive(self, "eps")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas must be two numbers from 0 to below 1; got {list(self.betas)}")


@dataclass(frozen=True)
class RMSPropSettings(OptimizerSettings):
    """RMSProp in the form of Graves (2013), arXiv 1308.0850, which the paper of the NTM uses.

    Raises:
        ValueError: a value that cannot be.
    """

    name: ClassVar[str] = "rmsprop"

    momentum: float = 0.9
    """Share of the last step that the next one takes over."""
    decay: float = 0.95
    """Decay of the running means of the gradient and of its square."""
    eps: float = 1e-4
    """Keeps the step finite where gradients vanish."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "momentum", 0, 1)
        check_range(self, "decay", 0, 1)
        check_positive(self, "eps")


OPTIMIZERS: dict[str, type[OptimizerSettings]] = {each.name: each for each in (AdamSettings, RMSPropSettings)}
