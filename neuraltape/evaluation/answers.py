"""Wrong answers of a machine that reads stories word by word, on every question for testing."""

from typing import NamedTuple

import torch

from neuraltape.evaluation.run import CHUNK, check_fits, outputs_of
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.tasks.babi import Babi


class Answers(NamedTuple):
    """How one kind of question went."""

    kind: int
    """1 to 20."""
    questions: int
    """How many there were."""
    wrong: int
    """How many answers were wrong."""


def score_answers(model: SequenceModel, task: Babi) -> list[Answers]:
    """Ask every question for testing, once.

    Args:
        model: the machine.
        task: what it learned; its test questions are asked.

    Raises:
        ValueError: a machine that does not fit the task.
        DataError: data that is missing or broken.
    """
    check_fits(model, task)
    held_out = task.held_out()
    kinds = torch.tensor(held_out.kinds)
    asked, wrong = torch.zeros(len(kinds)), torch.zeros(len(kinds))
    for place in torch.arange(len(kinds)).split(CHUNK):
        batch = held_out.batch(held_out.rows[place])
        asked[place] = batch.mask.sum(0).float()
        wrong[place] = task.mistakes(outputs_of(model, batch), batch).sum(0).float()
    return [
        Answers(kind, int(asked[kinds == kind].sum()), int(wrong[kinds == kind].sum()))
        for kind in kinds.unique().tolist()
    ]
