"""The score at each of several lengths, beyond the trained ones too."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat

import torch

from neuraltape.evaluation.run import check_fits, generator_for, outputs_of
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.tasks.ranged import RangedTask
from neuraltape.tasks.score import Score
from neuraltape.tasks.task import Task

# Sequences run at once. Fixed, so that the same ones are drawn on every machine; small enough for thousands of steps.
CHUNK = 50


@dataclass(frozen=True)
class LengthScore:
    """How well sequences of one length went."""

    length: int
    """Their length, in the task's own unit."""
    sequences: int
    """How many were drawn."""
    bits: float
    """Mean cost a sequence, in the unit of the task's score, mostly bits."""
    wrong_mean: float
    """Wrong targets a sequence: the mean,"""
    wrong_median: float
    """the median"""
    wrong_worst: float
    """and the worst sequence."""
    perfect: float
    """Share of the sequences without a wrong target."""
    optimum: float | None
    """What the best possible predictor pays on the same sequences in the mean, where the task knows it."""


def evaluate(
    model: SequenceModel, task: Task, lengths: Iterable[int], *, sequences: int = 100, seed: int = 0
) -> list[LengthScore]:
    """Score a machine on fresh sequences of each length.

    Args:
        model: the machine, on any device.
        task: what it learned. Sequences are drawn from `task.held_out()`.
        lengths: positive integers, inside the range of training or beyond it.
        sequences: how many to draw at each length.
        seed: chooses them. The same length and seed give the same sequences, whatever other lengths are asked for.

    Returns:
        One row a length, in the order given.

    Raises:
        ValueError: no lengths, a length or number that cannot be, or a machine that does not fit the task.
    """
    lengths = check_lengths(lengths, task)
    if sequences < 1:
        raise ValueError(f"sequences must be a positive integer; got {sequences}")
    check_fits(model, task)
    return [_summarise(length, _scores(model, task, length, sequences, seed)) for length in lengths]


def check_lengths(lengths: Iterable[int], task: Task) -> list[int]:
    """The lengths as a list. Raises ValueError if there are none, or one is too short or too long for the task."""
    lengths = list(lengths)
    if not lengths:
        raise ValueError("lengths must be one or more positive integers; got none")
    for length in lengths:
        if not isinstance(length, int) or isinstance(length, bool) or length < 1:
            raise ValueError(f"lengths must be positive integers; got {length!r}")
        if length < task.least:
            raise ValueError(f"lengths of {task.name} must be at least {task.least}; got {length}")
        if task.most is not None and length > task.most:
            raise ValueError(f"lengths of {task.name} must be at most {task.most}; got {length}")
    return lengths


def usual_lengths(task: Task) -> list[int]:
    """Lengths that show where a machine stops to generalise: half the longest of training, to six times it.

    For the paper's copy task, 1 to 20 vectors, they are 10, 20, 30, 50 and 120. Sequences from a file have no others
    than the file's, and of those the shortest and the longest are given.
    """
    drawn = task.held_out()
    if not isinstance(drawn, RangedTask):
        return sorted({drawn.shortest, drawn.longest})
    longest = task.longest
    lengths = (max(task.shortest, longest * tenths // 10) for tenths in (5, 10, 15, 25, 60))
    return sorted({length if drawn.most is None else min(length, drawn.most) for length in lengths})


def _scores(model: SequenceModel, task: Task, length: int, sequences: int, seed: int) -> Score:
    """The score of so many sequences of one length, run a chunk at a time."""
    generator = generator_for(seed, "lengths", length)
    of_length = task.held_out().at_length(length)
    whole, rest = divmod(sequences, CHUNK)
    parts = []
    for size in [*repeat(CHUNK, whole), *([rest] if rest else [])]:
        batch = of_length.sample(size, generator)
        parts.append(of_length.score(outputs_of(model, batch), batch))
    optima = [part.optimum for part in parts if part.optimum is not None]
    bits, wrong = (torch.cat([part[field] for part in parts]) for field in (0, 1))
    return Score(bits, wrong, torch.cat(optima) if optima else None)


def _summarise(length: int, score: Score) -> LengthScore:
    return LengthScore(
        length=length,
        sequences=len(score.bits),
        bits=score.bits.mean().item(),
        wrong_mean=score.wrong.mean().item(),
        wrong_median=score.wrong.quantile(0.5).item(),
        wrong_worst=score.wrong.max().item(),
        perfect=(score.wrong == 0).double().mean().item(),
        optimum=None if score.optimum is None else score.optimum.mean().item(),
    )
