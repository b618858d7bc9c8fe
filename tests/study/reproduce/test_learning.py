"""Learning itself: a change that hurts it is seen here, not in the next run of all recipes."""

from dataclasses import replace
from pathlib import Path

import pytest

from neuraltape.settings import Settings
from neuraltape.training import train

RECIPES = Path(__file__).parents[3] / "recipes"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_recipe_of_copy_solves_it_soon(tmp_path: Path, seed: int) -> None:
    recipe = Settings.load(RECIPES / "copy.yaml")
    loop, cooldown = replace(recipe.loop, seed=seed, max_sequences=50_000), replace(recipe.cooldown, sequences=2_000)
    result = train(replace(recipe, loop=loop, cooldown=cooldown), run_dir=tmp_path, progress=False)
    assert result.solved, f"{result.bits} bits a sequence after {result.sequences} sequences"
