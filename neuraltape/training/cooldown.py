"""When a machine that looks good counts as good: after its learning rate has fallen to 0."""

from neuraltape.settings.loop_config import LoopConfig
from neuraltape.training.counters import Counters


class Cooldown:
    """The way from a first good evaluation to a solved task.

    At a learning rate at which machines learn fast, the weights never come to rest: a machine below the bound at one
    evaluation may be far above it at the next. So the rate falls linearly to 0, starting from the first good
    evaluation, and what is left has to be below the bound. A machine that isn't goes on, at the full rate or, with
    `cooldown_retry_rate`, at a part of it: where the bound was only just missed, the full rate undoes what was learnt.

    Args:
        config: `cooldown_sequences`, `cooldown_below`, `cooldown_retry_rate` and the budget.
        bound: of the task, in bits a sequence; None: it has none, and nothing is ever cooled or solved.
    """

    def __init__(self, config: LoopConfig, bound: float | None) -> None:
        self.config, self.bound = config, bound
        self.start = bound if config.cooldown_below is None else config.cooldown_below

    def fraction(self, counters: Counters) -> float | None:
        """How much of the cool-down is over, 0 to 1; None: there is none now."""
        if counters.cooling_since is None:
            return None
        return min(1.0, (counters.sequences - counters.cooling_since) / self.config.cooldown_sequences)

    def slowed(self, counters: Counters) -> float:
        """What the learning rate is multiplied with for the cool-downs that were not enough."""
        failed = counters.cooldowns - (counters.solved_at is not None)
        return self.config.cooldown_retry_rate ** max(failed, 0)

    def ended(self, counters: Counters, bits: float) -> bool:
        """Take note of an evaluation.

        Args:
            counters: where the training is; `cooling_since` is set here.
            bits: the evaluation's cost a sequence.

        Returns:
            Whether the machine is as it will stay and below the bound, so that it has to be confirmed.
        """
        if self.bound is None or self.start is None or counters.solved_at is not None:
            return False
        last = not self.config.cooldown_sequences or counters.sequences >= self.config.max_sequences
        if last or self.fraction(counters) == 1:
            counters.cooldowns += counters.cooling_since is not None
            counters.cooling_since = None
            return bits < self.bound
        if counters.cooling_since is None and bits < self.start:
            counters.cooling_since = counters.sequences
        return False
