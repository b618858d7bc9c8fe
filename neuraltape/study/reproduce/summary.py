"""One recipe over its seeds: how many solve the task, how fast, how well, and beyond the range of training."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from neuraltape.settings import TrainConfig
from neuraltape.study.reproduce.recipe import Recipe
from neuraltape.study.reproduce.result import Result
from neuraltape.study.reproduce.score import ProbeScore, short
from neuraltape.tasks import Probe


@dataclass(frozen=True)
class ProbeSummary:
    """All seeds on one probe."""

    label: str
    """The probe's."""
    goal: str | None
    """In words."""
    within: int | None
    """Seeds that reach it."""
    bits_median: float
    """Mean cost a sequence in bits, over the optimum where the task knows it: of the median seed"""
    bits_worst: float
    """and of the worst."""
    wrong_median: float
    """Wrong bits a sequence, in the mean: of the median seed"""
    wrong_worst: float
    """and of the worst."""
    marker_median: float | None
    """Share of sequences with the end marker right, of the median seed; None: the task has none."""


@dataclass(frozen=True)
class Summary:
    """One row of the results table."""

    recipe: str
    """The recipe's name."""
    task: str
    """The task's."""
    command: str
    """What makes it again."""
    seeds: tuple[int, ...]
    """Those with a result."""
    missing: tuple[int, ...]
    """Those that were asked for and have none; they count as seeds that fail."""
    goal: str
    """What solved means, in words."""
    solved: int
    """Seeds that reach it on fresh sequences after their training."""
    sequences: dict[str, int | None]
    """By seed: trained on until the task was found solved; null: it was not."""
    scores: dict[str, float]
    """By seed: bits a sequence at the range of training, over the optimum where the task knows it."""
    sequences_median: int | None
    """Of all seeds; null: half of them did not solve it, or the task has no bound."""
    trained_median: int
    """Sequences trained on."""
    seconds_median: float
    """A run took, in one thread."""
    solved_seconds_median: float | None
    """Until solved, as `sequences_median`."""
    parameters: int
    """Numbers that were trained."""
    paper_parameters: int | None
    """In the paper's machine of this kind."""
    probes: tuple[ProbeSummary, ...]
    """The first is the score at the range of training."""

    @property
    def total(self) -> int:
        """Seeds that were asked for."""
        return len(self.seeds) + len(self.missing)


def summarise(recipe: Recipe, results: Sequence[Result], missing: Iterable[int]) -> Summary:
    """Bring the results of a recipe together.

    Args:
        recipe: the recipe.
        results: at least one, of this recipe as it is now.
        missing: seeds that were asked for and have no result.
    """
    results = sorted(results, key=lambda result: result.seed)
    missing = tuple(sorted(missing))
    probes = [
        _summarise(probe, [score for each in results if (score := each.score(probe.label)) is not None])
        for probe in recipe.config.task.probes
    ]
    measured = tuple(probe for probe in probes if probe is not None)
    total = len(results) + len(missing)
    return Summary(
        recipe=recipe.name,
        task=recipe.task,
        command=command_of(recipe, [*(each.seed for each in results), *missing]),
        seeds=tuple(each.seed for each in results),
        missing=missing,
        goal=measured[0].goal or "",
        solved=measured[0].within or 0,
        sequences={str(each.seed): each.solved_at for each in results},
        scores={str(each.seed): short(each.scores[0].excess) for each in results},
        sequences_median=_median_of_all([each.solved_at for each in results], total),
        trained_median=round(median(each.sequences for each in results)),
        seconds_median=median(each.seconds for each in results),
        solved_seconds_median=_median_of_all([each.solved_seconds for each in results], total),
        parameters=results[0].parameters,
        paper_parameters=paper_parameters(recipe.config),
        probes=measured,
    )


def command_of(recipe: Recipe, seeds: Iterable[int]) -> str:
    """The command that makes these results again."""
    chosen = sorted(seeds)
    command = f"neuraltape reproduce {recipe.name} --seeds {chosen[-1] - chosen[0] + 1}"
    return f"{command} --first-seed {chosen[0]}" if chosen[0] else command


def paper_parameters(config: TrainConfig) -> int | None:
    """The parameters of the paper's machine of this kind for the task; None: it had none of this kind."""
    kind = "baseline" if config.model.model == "lstm" else config.model.controller
    return config.task.paper_parameters.get(kind)


def _summarise(probe: Probe, scores: Sequence[ProbeScore]) -> ProbeSummary | None:
    if not scores:
        return None
    goal = probe.goal
    markers = [score.marker for score in scores if score.marker is not None]
    return ProbeSummary(
        label=probe.label,
        goal=None if goal is None else str(goal),
        within=None if goal is None else sum(score.within(goal) for score in scores),
        bits_median=median(score.excess for score in scores),
        bits_worst=max(score.excess for score in scores),
        wrong_median=median(score.wrong_mean for score in scores),
        wrong_worst=max(score.wrong_mean for score in scores),
        marker_median=median(markers) if markers else None,
    )


def _median_of_all(values: Sequence[float | None], total: int) -> Any:
    """The median of `total` values, those that are None or not there counting as never."""
    numbers = [math.inf if value is None else value for value in values]
    middle = median([*numbers, *[math.inf] * (total - len(numbers))])
    return None if math.isinf(middle) else round(middle, 1) if middle % 1 else int(middle)
