"""What came of one run, as a small JSON file: enough to make every table and figure again without the run."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from neuraltape import __version__
from neuraltape.runs import Run
from neuraltape.runs.files import write_atomically
from neuraltape.runs.metrics import Metrics
from neuraltape.settings.differences import settings_of
from neuraltape.study.reproduce.recipe import digest_of
from neuraltape.study.reproduce.score import ProbeScore, score, short
from neuraltape.tasks import Goal

FORMAT = "neuraltape-result-1"
# Of a learning curve: more than a figure can show.
POINTS = 100


@dataclass(frozen=True)
class Curve:
    """Scores on fresh sequences while the training went on, thinned."""

    sequences: tuple[int, ...]
    """Trained on so far."""
    bits: tuple[float, ...]
    """Cost in bits a sequence."""
    excess: tuple[float, ...] | None
    """Over the optimum, where the task knows that."""

    @classmethod
    def from_lists(cls, sequences: list[int], bits: list[float], excess: list[float] | None) -> "Curve":
        """A curve as JSON holds it."""
        return cls(tuple(sequences), tuple(bits), None if excess is None else tuple(excess))


@dataclass(frozen=True)
class Result:
    """One recipe with one seed."""

    recipe: str
    """The recipe's name."""
    task: str
    """The task's."""
    seed: int
    """Of the run."""
    version: str
    """Of neuraltape."""
    digest: str
    """Of the settings."""
    settings: dict[str, Any]
    """What the run was made with, but for the seed."""
    parameters: int
    """Numbers that were trained."""
    sequences: int
    """Trained on."""
    seconds: float
    """Spent, in one thread."""
    solved_at: int | None
    """Sequences after which the task was first found solved, on 1,000 fresh sequences."""
    solved_seconds: float | None
    """Spent until then."""
    probes: tuple[str, ...]
    """What it was to be measured on."""
    scores: tuple[ProbeScore, ...]
    """What could be measured; the first is the score at the range of training."""
    curve: Curve
    """How it learned."""

    @property
    def name(self) -> str:
        """What the run is called."""
        return run_name(self.recipe, self.seed)

    def score(self, label: str) -> ProbeScore | None:
        """The score of one probe, if it was measured."""
        return next((each for each in self.scores if each.label == label), None)

    def save(self, path: Path) -> None:
        """Write it, one field a line."""
        values = {"format": FORMAT, **asdict(self)}
        lines = [f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in values.items()]
        write_atomically(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())

    @classmethod
    def load(cls, path: Path) -> "Result":
        """Read what `save` wrote. Raises ValueError if it is something else; FileNotFoundError if it is absent."""
        try:
            values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if values.pop("format") != FORMAT:
                raise KeyError("format")
            values["probes"] = tuple(values["probes"])
            values["scores"] = tuple(ProbeScore(**each) for each in values["scores"])
            values["curve"] = Curve.from_lists(**values["curve"])
            return cls(**{field.name: values[field.name] for field in fields(cls)})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is no result of a run ({FORMAT})") from error


def run_name(recipe: str, seed: int) -> str:
    """What a run and its files are called."""
    return f"{recipe}-seed-{seed}"


def measure(run: Run, recipe: str) -> Result:
    """Score a run that has ended.

    Args:
        run: opened.
        recipe: the name of the recipe that it was made with.

    Raises:
        ValueError: the run has not ended, or its task has no probes.
    """
    config, task = run.config, run.task
    if not task.probes:
        raise ValueError(f"task must have probes, which say what to score; {task.name} has none")
    solved = _solved_line(run.metrics, task.goal)
    last = run.metrics.lines[-1] if run.metrics.lines else {"sequences": 0}
    stopped = solved is not None and config.loop.stop_when_solved
    if not stopped and last["sequences"] < config.loop.max_sequences:
        raise ValueError(f"{run.path} has not ended; go on with: neuraltape resume {run.path}")
    scores = [score(run.model, task, probe, seed=config.loop.seed) for probe in task.probes]
    settings = settings_of(config)
    return Result(
        recipe=recipe,
        task=task.name,
        seed=config.loop.seed,
        version=__version__,
        digest=digest_of(settings),
        settings=settings,
        parameters=sum(each.numel() for each in run.model.parameters() if each.requires_grad),
        sequences=last["sequences"],
        seconds=round(last["seconds"], 1),
        solved_at=None if solved is None else solved["sequences"],
        solved_seconds=None if solved is None else round(solved["seconds"], 1),
        probes=tuple(probe.label for probe in task.probes),
        scores=tuple(each for each in scores if each is not None),
        curve=curve_of(run.metrics),
    )


def curve_of(metrics: Metrics) -> Curve:
    """The learning curve, thinned."""
    chosen = metrics.scores
    if len(chosen) > POINTS:
        chosen = [chosen[round(place * (len(chosen) - 1) / (POINTS - 1))] for place in range(POINTS)]
    known = bool(chosen) and all("excess" in line for line in chosen)
    return Curve(
        sequences=tuple(line["sequences"] for line in chosen),
        bits=tuple(short(line["bits"]) for line in chosen),
        excess=tuple(short(line["excess"]) for line in chosen) if known else None,
    )


def _solved_line(metrics: Metrics, goal: Goal | None) -> dict[str, Any] | None:
    """The confirmation that found the task solved."""
    if goal is None or not goal.ends_training:
        return None
    for line in metrics.confirmations:
        if goal.met(bits=line["bits"], wrong=line["wrong"], excess=line.get("excess")):
            return line
    return None
