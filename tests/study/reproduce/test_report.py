import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from neuraltape.study.reproduce.recipe import Recipe
from neuraltape.study.reproduce.report import write_report
from tests.study.made_up import result, write_recipe


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made but not drawn, which takes most of a second each."""

    def touch(figure: Figure, path: Path, *, untouched: bool = False) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    monkeypatch.setattr("neuraltape.plotting.save_figure", touch)


def save(recipe: Recipe, results: Path, seeds: Sequence[int], **values: float) -> None:
    for seed in seeds:
        made = result(recipe, seed, **values)
        made.save(results / recipe.task / f"{made.name}.json")


def test_the_table_and_the_figures_are_made_from_results_alone(tmp_path: Path) -> None:
    recipe, results = write_recipe(tmp_path / "recipes"), tmp_path / "results"
    save(recipe, results, range(10))
    report = write_report([recipe], results, asked={"copy": range(10)})
    names = [path.relative_to(results).as_posix() for path in report.paths]
    assert names == ["README.md", "results.json", "figures/copy-learning.png", "figures/copy-lengths.png"]
    assert all(path.is_file() for path in report.paths)
    text = (results / "README.md").read_text()
    row = "| copy | below 0.1 bit | 10 of 10 | 400 | 14 | 0.05 | 0.05 | 1,234 | - |"
    assert f"{row} `neuraltape reproduce copy --seeds 10` |\n" in text.replace("1,352,969", "-")
    assert "| copy | 120 | 0 | 0 | 0.05 | 0.05 | - | below 1 wrong bit | 10 of 10 |\n" in text
    assert "- copy: 0: 0.05 after 400 sequences; 1: 0.05 after 400 sequences; " in text
    assert "![figures/copy-lengths.png](figures/copy-lengths.png)" in text
    (values,) = json.loads((results / "results.json").read_text())["results"]
    assert values["sequences"] == {str(seed): 400 for seed in range(10)}
    assert [probe["label"] for probe in values["probes"]] == ["1-3", "30", "50", "120", "200 (256 slots)"]


def test_restarts_stand_in_the_table(tmp_path: Path) -> None:
    recipe, results = write_recipe(tmp_path / "recipes", restart_after=120), tmp_path / "results"
    for seed in range(3):
        made = replace(result(recipe, seed), restarts=2 * (seed == 1))
        made.save(results / recipe.task / f"{made.name}.json")
    write_report([recipe], results, asked={})
    text = (results / "README.md").read_text()
    assert "| copy | below 0.1 bit | 3 of 3 (2 at once) | 400 |" in text
    assert "1: 0.05 after 400 sequences, 2 restarts; 2: 0.05 after 400 sequences\n" in text


def test_going_back_stands_in_the_table(tmp_path: Path) -> None:
    recipe, results = write_recipe(tmp_path / "recipes", rewind=0.2), tmp_path / "results"
    for seed in range(3):
        made = replace(result(recipe, seed), rewinds=seed)
        made.save(results / recipe.task / f"{made.name}.json")
    write_report([recipe], results, asked={})
    text = (results / "README.md").read_text()
    assert "| copy | below 0.1 bit | 3 of 3 (1 at once) | 400 |" in text
    assert (
        "0: 0.05 after 400 sequences; 1: 0.05 after 400 sequences, 1 rewind; 2: 0.05 after 400 sequences, 2 rewinds"
        in text
    )


def test_every_row_of_a_table_has_as_many_cells_as_its_head(tmp_path: Path) -> None:
    recipe, results = write_recipe(tmp_path / "recipes"), tmp_path / "results"
    save(recipe, results, [0])
    write_report([recipe], results, asked={})
    lines = (results / "README.md").read_text().splitlines()
    cells = [line.count("|") for line in lines if line.startswith("|")]
    assert set(cells[:3]) == {11}
    assert set(cells[3:]) == {10}


def test_a_seed_that_was_asked_for_and_is_missing_counts(tmp_path: Path) -> None:
    recipe, results = write_recipe(tmp_path / "recipes"), tmp_path / "results"
    save(recipe, results, [0, 1, 11])
    (row,) = write_report([recipe], results, asked={"copy": range(3)}).summaries
    assert (row.seeds, row.missing, row.solved, row.total) == ((0, 1, 11), (2,), 3, 4)
    assert "; 2: no result" in (results / "README.md").read_text()


def test_results_of_an_earlier_recipe_are_left_out_and_named(tmp_path: Path) -> None:
    recipe, results = write_recipe(tmp_path / "recipes", learning_rate=0.5), tmp_path / "results"
    save(recipe, results, [0, 1])
    recipe = write_recipe(tmp_path / "recipes", learning_rate=0.25)
    save(recipe, results, [1])
    report = write_report([recipe], results, asked={})
    assert report.summaries[0].seeds == (1,)
    assert report.left_out == ["copy-seed-0 was made with other settings (learning_rate was 0.5, is 0.25)"]


def test_variants_have_rows_of_their_own_and_share_the_figures(tmp_path: Path) -> None:
    recipes = [write_recipe(tmp_path / "recipes", name) for name in ("copy", "copy-lstm", "copy-other")]
    results = tmp_path / "results"
    for recipe in recipes[:2]:
        save(recipe, results, [0])
    report = write_report(recipes, results, asked={})
    assert [row.recipe for row in report.summaries] == ["copy", "copy-lstm"]
    assert len(report.paths) == 4


def test_the_same_results_give_the_same_files(tmp_path: Path) -> None:
    recipe, results = write_recipe(tmp_path / "recipes"), tmp_path / "results"
    save(recipe, results, [0, 1])
    paths = write_report([recipe], results, asked={}).paths
    before = [path.read_bytes() for path in paths]
    write_report([recipe], results, asked={})
    assert [path.read_bytes() for path in paths] == before


def test_there_may_be_no_results_at_all(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "recipes")
    report = write_report([recipe], tmp_path / "results", asked={"copy": range(3)})
    assert (report.summaries, report.left_out) == ([], ["copy has no result yet"])
