"""How good a machine is on fresh sequences, by the task's own score."""

import math
from typing import Any, NamedTuple

import torch

from neuraltape.tasks.goal import Goal
from neuraltape.tasks.task import Task
from neuraltape.training.learner import Learner
from neuraltape.training.streams import generator_at

# Fixed, so that the same sequences are drawn however many processes share them.
CHUNK = 100


class Evaluation(NamedTuple):
    """Means over sequences."""

    bits: float
    """Cost in bits a sequence."""
    wrong: float
    """Wrong targets a sequence."""
    optimum: float | None
    """What the best possible predictor pays on the same sequences, where the task knows it."""

    @property
    def excess(self) -> float | None:
        """The cost over the optimum."""
        return None if self.optimum is None else self.bits - self.optimum

    def value(self, goal: Goal) -> float:
        """The mean that a goal is about."""
        return goal.value(bits=self.bits, wrong=self.wrong, excess=self.excess)

    def meets(self, goal: Goal) -> bool:
        """Whether it reaches a goal."""
        return goal.met(bits=self.bits, wrong=self.wrong, excess=self.excess)


@torch.no_grad()
def evaluate(learner: Learner, task: Task, sequences: int, *, stream: str, step: int) -> Evaluation:
    """Score the machine, with its average weights where it keeps them; the work is split over the processes.

    Args:
        learner: the machine.
        task: what to draw.
        sequences: how many to draw, or at most how many of the rows that the task keeps from training.
        stream, step: which ones: never any of the training's, and others at each step.
    """
    fabric, seed = learner.fabric, learner.settings.loop.seed
    rows = task.kept_rows(sequences)
    sequences = sequences if rows is None else len(rows)
    # Sums of bits, wrong targets and optima, and whether there are optima.
    sums = torch.zeros(4, dtype=torch.float64)
    # What is left out while it trains is not left out here.
    with learner.average.applied(), learner.judged():
        for chunk in range(fabric.global_rank, math.ceil(sequences / CHUNK), fabric.world_size):
            size = min(CHUNK, sequences - chunk * CHUNK)
            if rows is None:
                batch = task.sample(size, generator_at(seed, stream, step, chunk))
            else:
                given: Any = task
                batch = given.batch(rows[chunk * CHUNK : chunk * CHUNK + size])
            batch = learner.place(batch)
            score = task.score(learner.outputs(batch), batch)
            optimum = torch.zeros_like(score.bits) if score.optimum is None else score.optimum
            parts = torch.stack([score.bits, score.wrong, optimum]).double().sum(1).cpu()
            sums += torch.cat([parts, torch.tensor([float(score.optimum is not None)])])
    if fabric.world_size > 1:
        sums = torch.as_tensor(fabric.all_reduce(sums.to(fabric.device), reduce_op="sum")).cpu()
    bits, wrong, optimum, known = sums.tolist()
    return Evaluation(bits / sequences, wrong / sequences, optimum / sequences if known else None)
