"""Which runs there are to make: every recipe with every seed, without those whose result is there already."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from neuraltape.runs.directory import RunDirectory
from neuraltape.settings.differences import differences
from neuraltape.study.processes import Job
from neuraltape.study.reproduce.recipe import Recipe
from neuraltape.study.reproduce.result import Result, run_name
from neuraltape.study.sweep.progress import progress_of
from neuraltape.study.sweep.store import Store
from neuraltape.study.sweep.trial import continues, train_command


@dataclass(frozen=True)
class Plan:
    """One recipe with one seed."""

    recipe: Recipe
    """The recipe."""
    seed: int
    """Of the run."""
    run_dir: Path
    """The run's directory."""
    result: Path
    """Where its result goes."""
    state: Literal["done", "new", "unfinished", "stale"]
    """A result is there; nothing is; a run directory that can be gone on with; a result or run that is out of date."""
    why: str = ""
    """What is out of date."""

    @property
    def name(self) -> str:
        """What the run is called."""
        return run_name(self.recipe.name, self.seed)

    def job(self) -> Job:
        """What is left to do: train, or go on with a training (at once at its end if it has ended), then measure."""
        store, config = Store(str(self.run_dir.parent)), self.recipe.seeded(self.seed)
        train = train_command(store, self.run_dir.name, config)
        measure = ("neuraltape.study.reproduce", str(self.run_dir), self.recipe.name, str(self.result))
        log = self.run_dir.with_name(f"{self.run_dir.name}.log")
        return Job(self.name, (train, measure), log, progress_of(store, self.run_dir.name))


def make_plan(recipes: Iterable[tuple[Recipe, Iterable[int]]], *, runs: Path, results: Path) -> list[Plan]:
    """Look at what is there.

    Args:
        recipes: each with its seeds.
        runs: holds the run directories.
        results: holds the results.
    """
    return [_plan(recipe, seed, runs, results) for recipe, seeds in recipes for seed in seeds]


def result_path(results: Path, recipe: Recipe, seed: int) -> Path:
    """Where the result of a run is."""
    return results / recipe.task / f"{run_name(recipe.name, seed)}.json"


def _plan(recipe: Recipe, seed: int, runs: Path, results: Path) -> Plan:
    run_dir, path = runs / run_name(recipe.name, seed), result_path(results, recipe, seed)
    state, why = _state(recipe, seed, run_dir, path)
    return Plan(recipe, seed, run_dir, path, state, why)


def _state(
    recipe: Recipe, seed: int, run_dir: Path, path: Path
) -> tuple[Literal["done", "new", "unfinished", "stale"], str]:
    if path.exists():
        result = Result.load(path)
        changes = differences(result.settings, recipe.config)
        if not changes and result.probes != tuple(probe.label for probe in recipe.config.task.probes):
            changes = [f"it was measured on {', '.join(result.probes)}"]
        return ("stale", "; ".join(changes)) if changes else ("done", "")
    if not RunDirectory(run_dir).holds_run():
        return "new", ""
    if continues(run_dir, recipe.seeded(seed)):
        return "unfinished", ""
    return "stale", f"{run_dir} was made with other settings"
