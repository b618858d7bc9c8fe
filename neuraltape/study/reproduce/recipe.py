"""A recipe: a file of settings that a published result is made with."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from neuraltape.settings import TrainConfig
from neuraltape.settings.settings import NAMED_TASKS

# How many seeds stand behind a published number where less than the task's usual ones will do.
SEEDS = {"lstm": 1, "variant": 3}


@dataclass(frozen=True)
class Recipe:
    """One of them."""

    name: str
    """The file's: TASK, or TASK-VARIANT such as copy-feedforward."""
    path: Path
    """The file."""
    config: TrainConfig
    """What it says, with the defaults of everything else."""

    @property
    def task(self) -> str:
        """The task's name."""
        return self.config.task.name

    @property
    def usual_seeds(self) -> int:
        """How many seeds are run unless the user says otherwise: a variant is there to compare with."""
        if self.config.model.model == "lstm":
            return SEEDS["lstm"]
        return SEEDS["variant"] if self.name != self.task else self.config.task.usual_seeds

    def seeded(self, seed: int) -> TrainConfig:
        """The configuration of one run."""
        return replace(self.config, loop=replace(self.config.loop, seed=seed))


def read_recipes(folders: Iterable[Path]) -> dict[str, Recipe]:
    """All recipes by name, default ones before their variants; of two with one name the first folder's.

    Raises:
        ValueError: a file that is no configuration, or is called after another task than its own.
    """
    paths = {path.stem: path for folder in reversed(list(folders)) for path in sorted(folder.glob("*.yaml"))}
    recipes = [_read(name, path) for name, path in paths.items()]
    order = list(NAMED_TASKS)
    recipes.sort(key=lambda recipe: (order.index(recipe.task), recipe.name != recipe.task, recipe.name))
    return {recipe.name: recipe for recipe in recipes}


def _read(name: str, path: Path) -> Recipe:
    try:
        config = TrainConfig.load(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    task = config.task.name
    if name != task and not name.startswith(f"{task}-"):
        raise ValueError(f"{path} is a recipe for {task}, so its name must be {task}.yaml or {task}-VARIANT.yaml")
    return Recipe(name, path, config)


def digest_of(settings: Mapping[str, Any]) -> str:
    """A short name for settings."""
    return sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
