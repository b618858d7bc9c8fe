"""One recipe over its seeds: how many solve the task, how fast, how well, and beyond the range of training."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from neuraltape.study.reproduce.recipe import Recipe
from neuraltape.study.result import Result
from neuraltape.study.score import ProbeScore, short
from neuraltape.study.table import spread
from neuraltape.tasks import Probe

# So many evaluations say how a training that failed has ended.
SHOWN = 5


@dataclass(frozen=True)
class ProbeSummary:
    """All seeds on one probe."""

    label: str
    """The name of the probe."""
    goal: str | None
    """The goal in words; None: there is none."""
    within: int | None
    """Seeds that reach it."""
    bits_median: float
    """The median seed's mean cost a sequence in bits, over the optimum where the task knows it."""
    bits_worst: float
    """The same of the worst seed."""
    wrong_median: float
    """The median seed's wrong targets a sequence, in the mean."""
    wrong_worst: float
    """The same of the worst seed."""
    marker_median: float | None
    """The median seed's share of sequences with the end marker right; None: the task has none."""


@dataclass(frozen=True)
class Summary:
    """One row of the results table."""

    recipe: str
    """The name of the recipe."""
    task: str
    """The name of its task."""
    command: str
    """What makes it again."""
    seeds: tuple[int, ...]
    """The seeds with a result."""
    missing: tuple[int, ...]
    """The seeds that were asked for and have no result; they count as seeds that fail."""
    goal: str
    """What solved means, in words."""
    solved: int
    """Seeds that reach it on fresh sequences after their training."""
    at_once: int | None
    """Those of them whose training never started over or went back; null: the recipe does neither."""
    sequences: dict[str, int | None]
    """For each seed the sequences until the task was found solved; null: it was not."""
    restarts: dict[str, int]
    """For each seed that started over, how often."""
    rewinds: dict[str, int]
    """For each seed that went back to earlier weights, how often."""
    failed: dict[str, str]
    """For each seed that does not reach it, how its training ended, in words."""
    scores: dict[str, float]
    """For each seed the bits a sequence at the range of training, over the optimum where the task knows it."""
    sequences_median: int | None
    """The median of that over all seeds; null: half of them did not solve it, or training does not end there."""
    trained_median: int | None
    """The median of the sequences trained on."""
    seconds_median: float | None
    """The median of what a run took, in one thread."""
    solved_seconds_median: float | None
    """The median of the seconds until solved, as `sequences_median`."""
    parameters: int | None
    """How many numbers were trained."""
    paper_parameters: int | None
    """How many the paper's machine of this kind had."""
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
    goal, loop = recipe.config.task.probes[0].goal, recipe.config.loop
    solved = [each for each in results if goal is not None and each.scores[0].within(goal)]
    return Summary(
        recipe=recipe.name,
        task=recipe.task,
        command=command_of(recipe, [*(each.seed for each in results), *missing]),
        seeds=tuple(each.seed for each in results),
        missing=missing,
        goal=measured[0].goal or "",
        solved=len(solved),
        at_once=sum(not (each.restarts or each.rewinds) for each in solved)
        if loop.restart_after or loop.rewind
        else None,
        sequences={str(each.seed): each.solved_at for each in results},
        restarts={str(each.seed): each.restarts for each in results if each.restarts},
        rewinds={str(each.seed): each.rewinds for each in results if each.rewinds},
        failed={str(each.seed): _how_it_ended(each) for each in results if goal is not None and each not in solved},
        scores={str(each.seed): short(each.scores[0].excess) for each in results},
        sequences_median=_whole(_median([each.solved_at for each in results], total)),
        trained_median=_whole(_median(each.sequences for each in results)),
        seconds_median=_median(each.seconds for each in results),
        solved_seconds_median=_median([each.solved_seconds for each in results], total),
        parameters=results[0].parameters,
        paper_parameters=recipe.paper_parameters,
        probes=measured,
    )


def command_of(recipe: Recipe, seeds: Iterable[int]) -> str:
    """The command that makes these results again."""
    chosen = sorted(seeds)
    command = f"neuraltape reproduce {recipe.name} --seeds {chosen[-1] - chosen[0] + 1}"
    return f"{command} --first-seed {chosen[0]}" if chosen[0] else command


def _summarise(probe: Probe, scores: Sequence[ProbeScore]) -> ProbeSummary | None:
    bits, wrong = spread(each.excess for each in scores), spread(each.wrong_mean for each in scores)
    if bits is None or wrong is None:
        return None
    goal = probe.goal
    markers = spread(score.marker for score in scores if score.marker is not None)
    return ProbeSummary(
        label=probe.label,
        goal=None if goal is None else str(goal),
        within=None if goal is None else sum(score.within(goal) for score in scores),
        bits_median=bits.median,
        bits_worst=bits.worst,
        wrong_median=wrong.median,
        wrong_worst=wrong.worst,
        marker_median=None if markers is None else markers.median,
    )


def _how_it_ended(result: Result) -> str:
    """What the last evaluations of a training cost, and what training cost then."""
    curve = result.curve
    heights = curve.bits if curve.excess is None else curve.excess
    last = ", ".join(f"{height:.3g}" for height in heights[-SHOWN:]) or "none"
    words = f"{short(result.scores[0].excess):.3g} on fresh sequences; last evaluations {last}"
    if result.training is not None:
        words += f"; training {result.training:.3g}"
    return words if result.sequences is None else f"{words}; {result.sequences:,} sequences"


def _median(values: Iterable[float | None], total: int | None = None) -> float | None:
    """The median over all seeds; None where that is never."""
    found = spread(values, total)
    return None if found is None or math.isinf(found.median) else found.median


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
