"""A recipe: a file of settings that a published result is made with."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from neuraltape.settings import Settings
from neuraltape.settings.differences import differences
from neuraltape.study.result import Result
from neuraltape.study.store import Store
from neuraltape.study.train import training
from neuraltape.study.trial import Trial
from neuraltape.tasks import TASKS

# The machines of the paper.
PAPERS = ("ntm", "lstm")
# How many seeds stand behind a published number where less than the task's usual ones will do.
SEEDS = {"baseline": 1, "variant": 3}


@dataclass(frozen=True)
class Recipe:
    """One of them."""

    name: str
    """The file's: TASK, or TASK-VARIANT such as copy-feedforward."""
    path: Path
    """The file."""
    config: Settings
    """What it says, with the defaults of everything else."""

    @property
    def task(self) -> str:
        """The task's name."""
        return self.config.task.name

    @property
    def of_the_paper(self) -> bool:
        """Whether it is for one of the paper's tasks and machines, which are made where nobody names a recipe."""
        return self.paper_parameters is not None

    @property
    def paper_parameters(self) -> int | None:
        """The parameters of the paper's machine of this kind for the task; None: it had none of this kind."""
        kind = self.config.kind
        if kind.name not in PAPERS:
            return None
        return self.config.task.paper_parameters.get("baseline" if kind.baseline else self.config.model.controller)

    @property
    def usual_seeds(self) -> int:
        """How many seeds are run unless the user says otherwise: a variant is there to compare with."""
        if self.config.kind.baseline:
            return SEEDS["baseline"]
        return SEEDS["variant"] if self.name != self.task else self.config.task.usual_seeds

    def trial(self, seed: int, *, runs: Path, results: Path) -> Trial:
        """The trial that trains and measures it with a seed; `runs` and `results` are folders."""
        config = replace(self.config, loop=replace(self.config.loop, seed=seed))
        places = Store(str(runs)), Store(str(results / self.task))
        return training(self.name, config, runs=places[0], results=places[1], measured=True)

    def results_in(self, folder: Path) -> tuple[list[Result], list[str]]:
        """What came of it, as far as it was made with the recipe as it is now, by seed; and what was not, in words."""
        found, left_out = [], []
        for path in (folder / self.task).glob(f"{self.name}-seed-*.json"):
            result = Result.load(path)
            changes = differences(result.settings, self.config)
            if changes:
                left_out.append(f"{result.name} was made with other settings ({'; '.join(changes)})")
            elif not result.scores:
                left_out.append(f"{result.name} was not scored")
            else:
                found.append(result)
        return sorted(found, key=lambda result: result.seed), sorted(left_out)


def read_recipes(folders: Iterable[Path]) -> dict[str, Recipe]:
    """All recipes by name, default ones before their variants; of two with one name the first folder's.

    Raises:
        ValueError: a file that is no configuration, or is called after another task than its own.
    """
    paths = {path.stem: path for folder in reversed(list(folders)) for path in sorted(folder.glob("*.yaml"))}
    recipes = [_read(name, path) for name, path in paths.items()]
    order = list(TASKS)
    recipes.sort(key=lambda recipe: (order.index(recipe.task), recipe.name != recipe.task, recipe.name))
    return {recipe.name: recipe for recipe in recipes}


def _read(name: str, path: Path) -> Recipe:
    config = Settings.load(path)
    task = config.task.name
    if name != task and not name.startswith(f"{task}-"):
        raise ValueError(f"{path} is a recipe for {task}, so its name must be {task}.yaml or {task}-VARIANT.yaml")
    return Recipe(name, path, config)
