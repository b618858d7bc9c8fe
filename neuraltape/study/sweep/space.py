"""Which settings a sweep tries: lists of values, and ranges to search in."""

import itertools
import math
import re
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from neuraltape.settings import Settings
from neuraltape.settings.fields import odd_figures
from neuraltape.settings.settings import with_changes
from neuraltape.study.store import Store
from neuraltape.study.train import training
from neuraltape.study.trial import Trial
from neuraltape.tasks.task import Task

# What a trial's name must not hold: it is a folder's name too, on every kind of store.
UNSAFE = re.compile(r"[^\w.+-]+")


@dataclass(frozen=True)
class Range:
    """All numbers between two; on a logarithmic scale where both are above 0 and far apart."""

    low: float
    """The lowest."""
    high: float
    """The highest."""

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def logarithmic(self) -> bool:
        """Whether the scale is logarithmic: from a factor of ten."""
        return self.low > 0 and self.high / self.low >= 10

    def __str__(self) -> str:
        return f"{self.low}..{self.high}"


Space = Mapping[str, Sequence[Any] | Range]


def read_space(words: Iterable[str]) -> dict[str, list[Any] | Range]:
    """Read settings as a user writes them: `learning_rate=1e-4,3e-4`, `hidden_size=50..200`, `betas=[0.9,0.95]`.

    Raises:
        ValueError: something else, or a setting that is named twice.
    """
    space: dict[str, list[Any] | Range] = {}
    for word in words:
        name, sign, text = word.partition("=")
        name = name.replace("-", "_")
        if not sign or not name.isidentifier() or not text:
            raise ValueError(f"a setting must be NAME=VALUE,VALUE,... or NAME=LOW..HIGH; got {word!r}")
        if name in space:
            raise ValueError(f"{name} must be given once, with all its values; got it twice")
        if name in ("task", "seed"):
            instead = "TASK" if name == "task" else "--seeds and --first-seed"
            raise ValueError(f"{name} is no setting of a sweep: it is chosen with {instead}")
        odd = odd_figures(text)
        if odd is not None:
            raise ValueError(f"{name} must be in decimal figures; got {odd!r}")
        space[name] = _range(name, text) if ".." in text else _values(name, text)
    return space


def make_trials(task: str, base: Mapping[str, Any], space: Space, seeds: Iterable[int], store: Store) -> list[Trial]:
    """Every combination of values with every seed.

    Args:
        task: its name.
        base: flat settings that are the same for all; `space` goes before them.
        space: lists of values. Where there is only one, it is the same for all too.
        seeds: of the trainings.
        store: where runs and results are.

    Raises:
        ValueError: a setting that there is not, a value that cannot be, or two trials that are the same.
    """
    seeds = list(seeds)
    read: dict[str, Task] = {}
    trials: dict[str, Trial] = {}
    for name, values in space.items():
        if isinstance(values, Range):
            raise ValueError(f"{name}={values} is a range, which needs a search; for a grid give the values")
    lists = {name: values for name, values in space.items() if not isinstance(values, Range)}
    fixed = {name: values[0] for name, values in lists.items() if len(values) == 1}
    lists = {name: values for name, values in lists.items() if name not in fixed}
    for values in itertools.product(*lists.values()):
        for seed in seeds:
            varied = dict(zip(lists, values, strict=True))
            trial = make_trial(task, base, varied, seed, store, fixed=fixed, read=read)
            if trial.name in trials:
                raise ValueError(f"values must differ from each other; got two trials {trial.name}")
            trials[trial.name] = trial
    return list(trials.values())


def make_trial(
    task: str,
    base: Mapping[str, Any],
    varied: Mapping[str, Any],
    seed: int,
    store: Store,
    *,
    fixed: Mapping[str, Any] | None = None,
    read: MutableMapping[str, Task] | None = None,
) -> Trial:
    """One trial.

    Args:
        task: its name.
        base: flat settings of which what does not belong to the trial's machine or optimiser is left out.
        varied: settings that tell the trial from others.
        seed: the seed of the training.
        store: where it is.
        fixed: settings that all trials have, and were asked for as `varied` was.
        read: see `training`.

    Raises:
        ValueError: a setting that there is not or that does not belong here, or a value that cannot be.
    """
    config = Settings.from_flat(with_changes({**base, "task": task}, {**(fixed or {}), **varied, "seed": seed}))
    # As the configuration has them: 1e-4 is 0.0001.
    flat = config.flat()
    varied = {name: flat[name] for name in varied}
    words = [f"{name}-{UNSAFE.sub('_', str(value)).strip('_')}" for name, value in varied.items()]
    recipe = "-".join(words or [task])
    return training(recipe, config, runs=store, results=store, measured=False, varied=varied, read=read)


def _values(name: str, text: str) -> list[Any]:
    try:
        values = yaml.safe_load(f"[{text}]")
    except yaml.YAMLError as error:
        raise ValueError(f"{name} must be a list of values such as 1,2,3; got {text!r}") from error
    if not values or "" in values:
        raise ValueError(f"{name} must be a list of values such as 1,2,3; got {text!r}")
    return values


def _range(name: str, text: str) -> Range:
    low, _, high = text.partition("..")
    try:
        found = Range(*(int(end) if re.fullmatch(r"[+-]?\d+", end) else float(end) for end in (low, high)))
    except ValueError as error:
        raise ValueError(f"{name} must be a range such as 1e-4..1e-2; got {text!r}") from error
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        raise ValueError(f"{name} must be a range between finite numbers; got {text!r}")
    if not found.low < found.high:
        raise ValueError(f"{name} must be a range from a lower to a higher number; got {text!r}")
    return found
