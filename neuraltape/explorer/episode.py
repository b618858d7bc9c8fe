"""A sequence that a task draws by itself, where there is nothing for a user to draw: of a length, from a seed.

Knows no machine and no web.
"""

from typing import NamedTuple

import torch

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.task import Task


class Episode(NamedTuple):
    """Which one."""

    length: int
    """Its length, as the task counts lengths."""
    seed: int
    """All randomness comes from it."""


def draw_episode(task: Task, episode: Episode) -> Batch:
    """Draw it, from what was held out of training. Raises ValueError for a length or data that are not there."""
    generator = torch.Generator().manual_seed(episode.seed)
    return task.held_out().at_length(episode.length).sample(1, generator)
