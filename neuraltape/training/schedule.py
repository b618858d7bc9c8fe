"""The learning rate at each step, as a pure function."""

import math

from neuraltape.settings.optimizer_config import OptimizerConfig


def learning_rate(
    config: OptimizerConfig, step: int, steps: int, *, cooled: float | None = None, slowed: float = 1.0
) -> float:
    """The learning rate of one step.

    It rises linearly in the first `warmup_steps` steps and then follows `schedule`, which reaches 0 one step after the
    last. A cool-down takes it to 0 wherever it is.

    Args:
        config: rate, schedule and warm-up.
        step: counted from 0.
        steps: how many the whole training has at the most.
        cooled: how much of a cool-down is over, 0 to 1; None: there is none.
        slowed: what the whole is multiplied with.
    """
    return slowed * (1 - (cooled or 0.0)) * _scheduled(config, step, steps)


def _scheduled(config: OptimizerConfig, step: int, steps: int) -> float:
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    done = min((step - config.warmup_steps) / max(steps - config.warmup_steps, 1), 1.0)
    if config.schedule == "linear":
        return config.learning_rate * (1 - done)
    if config.schedule == "cosine":
        return config.learning_rate * (1 + math.cos(math.pi * done)) / 2
    return config.learning_rate
