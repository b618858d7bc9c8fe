"""What happens to a gradient before the optimiser's step."""

import torch
from torch import Tensor

from neuraltape.settings.optimizer_config import OptimizerConfig

# The decay of the running mean of gradient norms: it looks back over about 20 steps.
DECAY = 0.95


class Clipping:
    """Brings gradients within a bound, in place.

    Adaptive clipping has no fixed bound: a gradient may be `clip_at` times as long as usual. The usual length is a
    running mean of the norms, each as long as it was after clipping. A machine's gradient falls a hundredfold while it
    learns, and where a focus is torn between two slots one sequence's gradient is a hundred times longer than
    all others together; a fixed bound that lets it learn lets that sequence undo what was learnt. But once nearly all
    sequences are right the usual gradient is tiny, and from the few that still fail nothing would be learnt: a floor
    under the bound lets theirs through.

    Args:
        config: `clip`, `clip_at` and `clip_floor`.
        in_cooldown: the floor in a cool-down, if it is higher than `clip_floor`.
    """

    def __init__(self, config: OptimizerConfig, in_cooldown: float = 0.0) -> None:
        self.kind, self.at, self.floor = config.clip, config.clip_at, config.clip_floor
        self.floor_in_cooldown = max(self.floor, in_cooldown)
        # On the CPU in float64, so that a checkpoint keeps it exactly. 0: no gradient seen yet.
        self.usual = torch.zeros((), dtype=torch.float64)

    def apply(self, gradient: Tensor, norm: float, *, cooling: bool = False) -> None:
        """Clip a gradient. `norm` is its Euclidean norm, `cooling` whether this is a step of a cool-down."""
        if self.kind == "value":
            gradient.clamp_(-self.at, self.at)
        elif self.kind == "norm":
            self._shorten(gradient, norm, self.at)
        elif self.kind == "adaptive":
            usual = self.usual.item() or norm
            bound = max(self.at * usual, self.floor_in_cooldown if cooling else self.floor)
            self._shorten(gradient, norm, bound)
            self.usual.fill_(DECAY * usual + (1 - DECAY) * min(norm, bound))

    @staticmethod
    def _shorten(gradient: Tensor, norm: float, bound: float) -> None:
        if norm > bound:
            gradient.mul_(bound / norm)
