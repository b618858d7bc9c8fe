"""The recipe that a task is trained with unless the user says otherwise."""

from pathlib import Path

PACKAGE = Path(__file__).parent.parent
# Where recipes are in an installed package, and in a checkout.
FOLDERS = (PACKAGE / "recipes", PACKAGE.parent / "recipes")


# In them, where the recipes for users' own data are: they name no data, so nothing can be reproduced with them.
OWN_DATA = "own-data"


def recipe_of(task: str) -> Path | None:
    """The recipe's file, `recipes/TASK.yaml` or `recipes/own-data/TASK.yaml`; None if the task has none."""
    places = [place for folder in FOLDERS for place in (folder, folder / OWN_DATA)]
    return next((path for place in places if (path := place / f"{task}.yaml").is_file()), None)
