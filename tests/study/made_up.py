"""Recipes that take a second, and results that no run made."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from neuraltape.settings import Settings
from neuraltape.settings.differences import settings_of
from neuraltape.study.reproduce.recipe import Recipe, read_recipes
from neuraltape.study.result import Curve, Result
from neuraltape.study.score import ProbeScore

TINY = {
    "task": "copy",
    "model": "lstm",
    "hidden_size": 8,
    "max_length": 3,
    "bits": 2,
    "max_sequences": 480,
    "report_every": 120,
    "evaluate_every": 120,
    "evaluate_sequences": 20,
}


def write_recipe(folder: Path, name: str = "copy", **settings: Any) -> Recipe:
    """Put a tiny recipe into a folder, and read it."""
    folder.mkdir(parents=True, exist_ok=True)
    Settings.from_flat({**TINY, **settings}).save(folder / f"{name}.yaml")
    return read_recipes([folder])[name]


def score(label: str, *, bits: float = 0.05, wrong: float = 0.0, **others: Any) -> ProbeScore:
    """Of one probe."""
    made = ProbeScore(label, 100, bits, wrong, wrong, wrong, 1.0 if wrong == 0 else 0.0, None, None)
    return replace(made, **others)


def result(recipe: Recipe, seed: int, *, solved_at: int | None = 400, bits: float = 0.05, wrong: float = 0.0) -> Result:
    """Of one run: `bits` at the range of training, `wrong` beyond it."""
    settings, labels = settings_of(recipe.config), tuple(probe.label for probe in recipe.config.task.probes)
    return Result(
        recipe=recipe.name,
        task=recipe.task,
        seed=seed,
        version="0",
        settings=settings,
        parameters=1234,
        sequences=solved_at or 480,
        seconds=10.0 + seed,
        solved_at=solved_at,
        solved_seconds=None if solved_at is None else 10.0 + seed,
        probes=labels,
        scores=(score(labels[0], bits=bits), *(score(label, wrong=wrong) for label in labels[1:])),
        curve=Curve((120, 240, solved_at or 480), (8.0, 2.0, bits), None),
    )
