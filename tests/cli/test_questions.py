import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.study.questions.stories import make_world

RECIPE = "tasks: [1]\nwidth: 4\nslots: 4\nepochs: 1\nlinear_epochs: 0\n"


@pytest.fixture
def recipe(here: Path) -> Path:
    """A recipe and its data in the working directory."""
    make_world(here, stories=5)
    (here / "mine.yaml").write_text(RECIPE)
    return here / "mine.yaml"


def test_seeds_are_run_once_and_the_table_is_made_of_all(call: Call, recipe: Path, here: Path) -> None:
    said = call("questions", "mine.yaml", "--data-dir", ".", "--seeds", "2")
    assert said.code == 0, said.err
    assert "mine-seed-0, joint: epoch 1 of 1, loss" in said.out
    assert "wrote results/questions/README.md" in said.out
    for seed in (0, 1):
        result = json.loads((here / f"results/questions/mine-seed-{seed}.json").read_text())
        assert (result["recipe"], result["seed"], list(result["test"])) == ("mine", seed, ["1"])
        assert (here / f"runs/questions/mine-seed-{seed}/joint/vocabulary.json").is_file()
    again = call("questions", "mine.yaml", "--data-dir", "nowhere", "--seeds", "2")
    assert again.out.startswith("mine-seed-0 is done\nmine-seed-1 is done\n")
    report = (here / "results/questions/README.md").read_text()
    assert "`neuraltape questions mine --seeds 2`" in report


def test_another_recipe_is_made_again(call: Call, recipe: Path, here: Path) -> None:
    call("questions", "mine.yaml", "--data-dir", ".", "--seeds", "1")
    recipe.write_text(RECIPE.replace("width: 4", "width: 5"))
    call("questions", "mine.yaml", "--data-dir", ".", "--seeds", "1")
    assert json.loads((here / "results/questions/mine-seed-0.json").read_text())["settings"]["width"] == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["jiont"], "RECIPE must be one of joint"),
        ([], "RECIPE is missing"),
        (["mine.yaml", "--seeds", "0"], "--seeds must be at least 1; got 0"),
        (["mine.yaml", "--data-dir", "nowhere"], "nowhere: there is no such file or folder"),
        (["mine.yaml", "--data-dir", "empty"], "empty: expected a folder or archive tasks_1-20_v1-2 in it"),
        (["bad.yaml"], "bad.yaml: unknown key 'widht'; did you mean width?"),
        (["mine.yaml", "--report-only"], "--results results/questions holds no results"),
    ],
)
def test_what_is_wrong_is_one_line(refuses: Call, recipe: Path, here: Path, words: list[str], message: str) -> None:
    (here / "empty").mkdir()
    (here / "bad.yaml").write_text("widht: 3\n")
    assert message in refuses("questions", *words).err
