import json
from pathlib import Path

import pytest

from neuraltape.runs.metrics import read_metrics
from tests.cli.conftest import Call
from tests.study.processes.here import run_here
from tests.study.questions.stories import make_world

RECIPE = "tasks: [1]\nwidth: 4\nslots: 4\nepochs: 1\nlinear_epochs: 0\n"


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuraltape.study.plan.run_jobs", run_here)


@pytest.fixture
def recipe(here: Path) -> Path:
    """A recipe and its data in the working directory."""
    make_world(here, stories=5)
    (here / "mine.yaml").write_text(RECIPE)
    return here / "mine.yaml"


def test_seeds_are_run_once_and_the_table_is_made_of_all(call: Call, recipe: Path, here: Path) -> None:
    said = call("questions", "mine.yaml", "--data-dir", ".", "--seeds", "2")
    assert said.code == 0, said.err
    assert "0 of 2 are done, 2 to run" in said.out
    assert "mine-seed-0: " in said.out
    (line,) = read_metrics(here / "runs/questions/mine-seed-0/metrics.jsonl").lines
    assert (line["part"], line["epoch"], line["epochs"], line["sequences"]) == ("joint", 1, 1, 5)
    assert "wrote results/questions/README.md" in said.out
    for seed in (0, 1):
        result = json.loads((here / f"results/questions/mine-seed-{seed}.json").read_text())
        assert (result["recipe"], result["seed"], list(result["errors"]["test"])) == ("mine", seed, ["1"])
        assert (here / f"runs/questions/mine-seed-{seed}/joint/vocabulary.json").is_file()
    again = call("questions", "mine.yaml", "--data-dir", "nowhere", "--seeds", "2")
    assert again.out.startswith("2 of 2 are done, 0 to run")
    report = (here / "results/questions/README.md").read_text()
    assert "`neuraltape questions mine --seeds 2`" in report


def test_results_of_another_recipe_are_replaced_only_when_asked(call: Call, recipe: Path, here: Path) -> None:
    call("questions", "mine.yaml", "--data-dir", ".", "--seeds", "1")
    recipe.write_text(RECIPE.replace("width: 4", "width: 5"))
    said = call("questions", "mine.yaml", "--data-dir", ".", "--seeds", "1")
    assert (said.code, said.out) == (2, "")
    assert "results/questions holds mine-seed-0 of other settings (width was 4, is 5)" in said.err
    assert json.loads((here / "results/questions/mine-seed-0.json").read_text())["settings"]["width"] == 4
    said = call("questions", "mine.yaml", "--data-dir", ".", "--seeds", "1", "--overwrite")
    assert "mine-seed-0 is out of date and is made again: width was 4, is 5" in said.out
    assert json.loads((here / "results/questions/mine-seed-0.json").read_text())["settings"]["width"] == 5


def test_results_of_other_stories_are_out_of_date(call: Call, refuses: Call, recipe: Path, here: Path) -> None:
    asked = ("questions", "mine.yaml", "--data-dir", ".", "--seeds", "1")
    call(*asked)
    assert call(*asked).out.startswith("1 of 1 are done")
    (archive,) = here.glob("*.tar.gz")
    make_world(here, stories=9)
    assert archive.is_file()
    assert "results/questions holds mine-seed-0 of other settings (contents was 2 files " in refuses(*asked).err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["jiont"], "RECIPE must be one of joint"),
        ([], "RECIPE is missing"),
        (["mine.yaml", "--seeds", "0"], "--seeds must be at least 1 and below 10001; got 0"),
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
