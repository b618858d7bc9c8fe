"""What came of one trial, as a small JSON file: enough to make every table and figure again without the run."""

import builtins
import json
import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from neuraltape import __version__
from neuraltape.files import read_whole, write_atomically
from neuraltape.runs import Run
from neuraltape.runs.metrics import Metrics
from neuraltape.settings.differences import settings_of
from neuraltape.study.score import ProbeScore, score, short
from neuraltape.tasks import Goal

FORMAT = "neuraltape-result-2"
# How many points of a learning curve are kept: more than a figure can show.
POINTS = 100


@dataclass(frozen=True)
class Curve:
    """Scores on fresh sequences while the training went on, thinned."""

    sequences: tuple[int, ...] = ()
    """Sequences trained on so far."""
    bits: tuple[float, ...] = ()
    """The cost in bits a sequence."""
    excess: tuple[float, ...] | None = None
    """The cost over the optimum, where the task knows that."""


@dataclass(frozen=True)
class Result:
    """One recipe, or one setting of a sweep, with one seed.

    A field without a default is in every file; one that was added later has a default, which it gets where a file is
    older. What a file holds besides is ignored.
    """

    recipe: str
    """The recipe's name, or the varied settings in words."""
    task: str
    """The task's name."""
    seed: int
    """The seed of the training."""
    settings: dict[str, Any]
    """Everything else that decides what was learned."""
    version: str = __version__
    """The version of neuraltape."""
    state: Literal["done", "stopped"] = "done"
    """Trained to its end; stopped early because others did better."""
    parameters: int | None = None
    """How many numbers were trained."""
    sequences: int | None = None
    """How many sequences it was trained on."""
    seconds: float = 0.0
    """How long the training took, over all parts of a resumed run; question answering: processor time."""
    bits: float | None = None
    """The last score of the training on fresh sequences: its cost in bits a sequence."""
    wrong: float | None = None
    """Wrong targets a sequence there, where known."""
    excess: float | None = None
    """The cost there over the best possible predictor's, where the task knows that."""
    solved_at: int | None = None
    """Sequences after which the task was first found solved, which many fresh sequences confirmed."""
    solved_seconds: float | None = None
    """Seconds until then."""
    restarts: int = 0
    """How often the training started over with new weights; all counts hold everything."""
    rewinds: int = 0
    """How often the training went back to the weights of its best evaluation."""
    training: float | None = None
    """What the last report of the training cost, in the unit of `bits`."""
    probes: tuple[str, ...] = ()
    """The names of what it was to be scored on after the training."""
    scores: tuple[ProbeScore, ...] = ()
    """The scores there, as far as they could be had; the first is that at the range of training."""
    curve: Curve = Curve()
    """How it learned."""
    errors: dict[str, dict[str, float]] = field(default_factory=dict)
    """Further measures by name, each by part: of question answering "loss", "train", "validation" and "test"."""

    @property
    def name(self) -> str:
        """What the run is called, and the file, with ".json"."""
        return name_of(self.recipe, self.seed)

    @property
    def rate(self) -> float | None:
        """Sequences a second."""
        return None if self.sequences is None else self.sequences / max(self.seconds, 1e-9)

    def score(self, label: str) -> ProbeScore | None:
        """The score of one probe, if it was measured."""
        return next((each for each in self.scores if each.label == label), None)

    def to_json(self) -> bytes:
        """What `from_json` reads: one field a line."""
        values = {"format": FORMAT, **asdict(self)}
        lines = [f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in values.items()]
        return ("{\n" + ",\n".join(lines) + "\n}\n").encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read what `to_json` wrote, in this version or another that has this format.

        Raises:
            ValueError: it is something else.
        """
        try:
            values = json.loads(data)
            if values["format"] != FORMAT:
                raise ValueError(f"its format is {values['format']!r}")
            return cls.from_values(values)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"this is no result of a run ({FORMAT}): {error}") from error

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """A result from what JSON holds of its fields. Raises TypeError where something is missing or no result's."""
        return _build(cls, values)

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        write_atomically(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file. Raises ValueError if it is something else; FileNotFoundError if it is absent."""
        data = read_whole(path)
        try:
            return cls.from_json(data)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


def name_of(recipe: str, seed: int) -> str:
    """What a run and its files are called."""
    return f"{recipe}-seed-{seed}"


def result_of(run: Run, recipe: str, *, measured: bool) -> Result:
    """What came of a run that has ended.

    Args:
        run: the opened run.
        recipe: the name of the recipe that it was made with, or the varied settings in words.
        measured: score it on the probes of its task.

    Raises:
        ValueError: the run has not ended, or its task has no probes to measure it on.
    """
    config, task = run.settings, run.task
    if measured and not task.probes:
        raise ValueError(f"task must have probes, which say what to score; {task.name} has none")
    solved = _solved_line(run.metrics, task.goal)
    last = run.metrics.lines[-1] if run.metrics.lines else {"sequences": 0, "seconds": 0.0}
    stopped = solved is not None and config.loop.stop_when_solved
    if not stopped and last["sequences"] < config.loop.max_sequences:
        raise ValueError(f"{run.path} has not ended; go on with: neuraltape resume {run.path}")
    probes = task.probes if measured else ()
    scores = [score(run.model, task, probe, seed=config.loop.seed) for probe in probes]
    end = run.metrics.scores[-1] if run.metrics.scores else {}
    return Result(
        recipe=recipe,
        task=task.name,
        seed=config.loop.seed,
        settings=settings_of(config),
        parameters=sum(each.numel() for each in run.model.parameters() if each.requires_grad),
        sequences=last["sequences"],
        seconds=round(last["seconds"], 1),
        bits=end.get("bits"),
        wrong=end.get("wrong"),
        excess=end.get("excess"),
        solved_at=None if solved is None else solved["sequences"],
        solved_seconds=None if solved is None else round(solved["seconds"], 1),
        restarts=run.metrics.restarts,
        rewinds=run.metrics.rewinds,
        training=run.metrics.training[-1].get("bits") if run.metrics.training else None,
        probes=tuple(probe.label for probe in probes),
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
    """The confirmation that found the task solved; only of a goal that ends a training are there any."""
    if goal is None:
        return None
    for line in metrics.confirmations:
        if goal.met(bits=line["bits"], wrong=line["wrong"], excess=line.get("excess")):
            return line
    return None


def _build(kind: Any, values: Mapping[str, Any]) -> Any:
    """A record from what JSON holds: lists are tuples, other records are built likewise, unknown fields are left."""
    known = {each.name: values[each.name] for each in fields(kind) if each.name in values}
    built = kind(**{name: _field(name, value) for name, value in known.items()})
    for name, hint in get_type_hints(kind).items():
        if not _fits(value := getattr(built, name), hint):
            raise TypeError(f"{name} can't be {value!r:.60}")
    return built


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of the type that a field has; numbers are finite."""
    parts = get_args(hint)
    match get_origin(hint) or hint:
        case typing.Any:
            return True
        case typing.Literal:
            return value in parts
        case types.UnionType:
            return any(_fits(value, part) for part in parts)
        case builtins.tuple:
            return isinstance(value, tuple) and all(_fits(part, parts[0]) for part in value)
        case builtins.dict:
            return isinstance(value, dict) and all(_fits(part, parts[1]) for part in value.values())
        case builtins.float:
            # A whole number of JSON's may be too large for a float.
            return type(value) in (int, float) and abs(value) <= sys.float_info.max
        case kind:
            return type(value) is kind


def _field(name: str, value: Any) -> Any:
    if name == "scores":
        return tuple(_build(ProbeScore, each) for each in value)
    if name == "curve":
        return _build(Curve, value)
    return tuple(value) if isinstance(value, list) else value
