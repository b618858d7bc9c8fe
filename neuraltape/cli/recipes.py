"""The recipe that a task is trained with unless the user says otherwise."""

from pathlib import Path

PACKAGE = Path(__file__).parent.parent
# Where recipes are in an installed package, and in a checkout.
FOLDERS = (PACKAGE / "recipes", PACKAGE.parent / "recipes")


def recipe_of(task: str) -> Path | None:
    """The recipe's file, `recipes/TASK.yaml`, or None if there is none for this task."""
    return next((path for folder in FOLDERS if (path := folder / f"{task}.yaml").is_file()), None)
