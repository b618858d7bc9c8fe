"""Learning from one example: how often a machine is right when it sees a class for the first, second, ... time."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from neuraltape.evaluation.run import CHUNK, check_fits, generator_for, outputs_of
from neuraltape.files import write_atomically
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.tasks.episodes import count_before
from neuraltape.tasks.omniglot import Omniglot

FORMAT = "neuraltape-presentations-1"


@dataclass(frozen=True)
class PresentationScore:
    """How well episodes with so many classes went."""

    classes: int
    """Classes in an episode."""
    episodes: int
    """How many were drawn."""
    accuracy: tuple[float, ...]
    """Share of right answers at the first, second, ... presentation of a class."""


@dataclass(frozen=True)
class PresentationReport:
    """Scores for several numbers of classes, with what is needed to read them."""

    name: str
    """The run's or the model's."""
    images: str
    """Which characters: see `Omniglot.images`."""
    seed: int
    """Chose the episodes."""
    rows: tuple[PresentationScore, ...]
    """One a number of classes."""

    def save(self, path: str | Path) -> None:
        """Write it as JSON."""
        write_atomically(Path(path), (json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n").encode())


def score_presentations(
    name: str, model: SequenceModel, task: Omniglot, classes: Iterable[int], *, episodes: int = 1000, seed: int = 0
) -> PresentationReport:
    """Score a machine on fresh episodes.

    Args:
        name: the run's or the model's, for the report.
        model: the machine, on any device.
        task: what it learned, with the characters to draw from.
        classes: how many classes an episode has: one or more numbers, up to as many as there are labels.
        episodes: how many to draw for each number.
        seed: chooses them. The same number and seed give the same episodes, whatever else is asked for.

    Raises:
        ValueError: a number that cannot be, or a machine that does not fit the task.
        DataError: the characters can't be read, or are too few.
    """
    if episodes < 1:
        raise ValueError(f"episodes must be a positive integer; got {episodes}")
    check_fits(model, task)
    rows = []
    for count in classes:
        if not 2 <= count <= task.output_size:
            raise ValueError(f"classes must be from 2 to the number of labels, {task.output_size}; got {count}")
        generator = generator_for(seed, "presentations", count)
        of_count = task.at_length(count)
        right = torch.zeros(task.presentations, dtype=torch.float64)
        for start in range(0, episodes, CHUNK):
            right += _right(model, of_count, min(CHUNK, episodes - start), generator)
        rows.append(PresentationScore(count, episodes, tuple((right / (episodes * count)).tolist())))
    return PresentationReport(name, task.images, seed, tuple(rows))


def _right(model: SequenceModel, task: Omniglot, episodes: int, generator: torch.Generator) -> Tensor:
    """How many answers are right at each presentation, (presentations,) float64."""
    batch = task.sample(episodes, generator)
    wrong = task.mistakes(outputs_of(model, batch), batch)
    number = count_before(batch.targets, batch.mask)
    return torch.stack([((wrong == 0) & batch.mask & (number == k)).sum() for k in range(task.presentations)]).double()
