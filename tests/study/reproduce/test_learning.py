"""Learning itself: a change that hurts it is seen here, not in the next run of all recipes."""

from dataclasses import replace
from pathlib import Path

import pytest

from neuraltape.settings import Settings
from neuraltape.training import train

RECIPES = Path(__file__).parents[3] / "recipes"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_recipe_of_copy_solves_it_soon(tmp_path: Path, seed: int) -> None:
    """Each seed may draw new weights once: which of them is lost changes with the last digit of every sum."""
    recipe = Settings.load(RECIPES / "copy.yaml")
    loop = replace(recipe.loop, seed=seed, max_sequences=50_000)
    result = train(
        replace(recipe, loop=loop, cooldown=replace(recipe.cooldown, sequences=2_000)), run_dir=tmp_path, progress=False
    )
    assert result.solved, f"{result.bits} bits a sequence after {result.sequences} sequences"
    assert result.restarts <= 1
