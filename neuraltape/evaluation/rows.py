"""The score of given sequences: each of them once, whatever its length."""

from dataclasses import dataclass

import torch
from torch import Tensor

from neuraltape.evaluation.run import CHUNK, check_fits, outputs_of
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.tasks.table_task import TableTask


@dataclass(frozen=True)
class RowsScore:
    """How well given sequences went."""

    sequences: int
    """How many there are."""
    steps: int
    """Scored steps of all of them."""
    targets: int
    """Scored targets of all of them."""
    cost: float
    """Mean cost of a scored step in nats, summed over its targets; values: the mean squared error of a target."""
    score: float
    """Mean of the task's own score a sequence, which depends on how long they are."""
    wrong: float
    """Share of the targets that are wrong; of values those that are missed by more than 0.5."""
    guess: float
    """The cost of a predictor that always says the mean of the targets of the rows that the task draws from."""


def score_rows(model: SequenceModel, task: TableTask, rows: Tensor | None = None) -> RowsScore:
    """Score a machine on each of some rows of a task's table.

    Args:
        model: the machine, on any device.
        task: what it learned.
        rows: (rows,) numbers in the table; None: those that the task draws from.

    Raises:
        ValueError: no rows, none with a scored step, or a machine that does not fit the task.
    """
    rows = task.rows if rows is None else rows
    _check_scored(task, rows)
    check_fits(model, task)
    cost = score = wrong = 0.0
    steps = targets = 0
    for some in rows.split(CHUNK):
        batch = task.batch(some)
        outputs = outputs_of(model, batch)
        found = task.score(outputs, batch)
        cost += task.costs(outputs, batch).sum(dtype=torch.float64).item()
        score += found.bits.sum().item()
        wrong += found.wrong.sum().item()
        steps += int(batch.mask.sum())
        targets += int(task.count(batch))
    return RowsScore(
        sequences=len(rows),
        steps=steps,
        targets=targets,
        cost=cost / (targets if task.target_kind == "values" else steps),
        score=score / len(rows),
        wrong=wrong / targets,
        guess=guess_cost(task, rows),
    )


@torch.no_grad()
def guess_cost(task: TableTask, rows: Tensor) -> float:
    """What it costs to say the same at every step: the mean of the targets that the task draws from.

    Args:
        task: what is learned.
        rows: (rows,) numbers in its table, to say it to.

    Returns:
        What `RowsScore.cost` would be.

    Raises:
        ValueError: no rows, or none with a scored step.
    """
    _check_scored(task, rows)
    # In parts, as there may be many; one of each class or bit more, so that nothing is impossible.
    asked, steps = task.goals(rows), 0
    if task.target_kind == "classes":
        counts = torch.ones(task.output_size, dtype=torch.int64)
        for part in task.goals(task.rows):
            counts += torch.bincount(part, minlength=task.output_size)
        chance = (counts / counts.sum()).double().log()
        costs = (-chance[part] for part in asked)
    else:
        total, count = torch.zeros(task.output_size, dtype=torch.float64), 0
        for part in task.goals(task.rows):
            total, count = total + part.sum(0), count + len(part)
        if task.target_kind == "values":
            costs = ((part - total / count).square().mean(-1) for part in asked)
        else:
            chance = (total + 1) / (count + 2)
            costs = (-(part * chance.log() + (1 - part) * (1 - chance).log()).sum(-1) for part in asked)
    cost = 0.0
    for part in costs:
        cost, steps = cost + part.sum().item(), steps + len(part)
    return cost / steps


def _check_scored(task: TableTask, rows: Tensor) -> None:
    if not len(rows):
        raise ValueError("rows must be one or more numbers; got none")
    if not task.scores_any(rows):
        raise ValueError(f"rows must have a scored step, and none of these {len(rows):,} of {task.source} has one")
