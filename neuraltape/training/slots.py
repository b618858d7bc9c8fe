"""How many slots the memory has in a step of training, as a pure function."""

import torch

from neuraltape.settings.model_config import ModelConfig
from neuraltape.training.streams import generator_at


def slots_of_step(config: ModelConfig, *, seed: int, step: int, cooling: bool) -> int | None:
    """Slots of the memory in one step; None: all of them.

    With `most_training_slots` the logarithm is uniform: few slots, which leave no room for careless writes, are as
    frequent as many, among which a machine has to find its own.

    Args:
        config: `training_slots` and `most_training_slots`.
        seed: of the training.
        step: counted from 0.
        cooling: whether it belongs to a cool-down.
    """
    few, most = config.training_slots, config.most_training_slots
    if few is None or (cooling and most is None):
        return None
    if most is None:
        return few
    draw = torch.rand((), generator=generator_at(seed, "slots", step), dtype=torch.float64).item()
    return round(few * (most / few) ** draw)
