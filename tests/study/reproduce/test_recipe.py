import re
from dataclasses import replace
from pathlib import Path

import pytest

from neuraltape.settings.differences import differences, settings_of
from neuraltape.study.reproduce.recipe import read_recipes
from tests.study.made_up import write_recipe
from tests.study.tiny import config_of

PUBLISHED = Path(__file__).resolve().parents[3] / "recipes"


def test_recipes_come_with_their_variants_in_the_order_of_the_tasks(tmp_path: Path) -> None:
    for name in ("copy-lstm", "copy", "copy-feedforward"):
        write_recipe(tmp_path, name)
    (tmp_path / "ngrams.yaml").write_text("format: 2\ntask: {name: ngrams}\n")
    recipes = read_recipes([tmp_path])
    assert list(recipes) == ["copy", "copy-feedforward", "copy-lstm", "ngrams"]
    assert {recipe.task for recipe in recipes.values()} == {"copy", "ngrams"}


def test_the_first_folder_comes_first(tmp_path: Path) -> None:
    write_recipe(tmp_path / "one", hidden_size=3)
    write_recipe(tmp_path / "other", hidden_size=5)
    recipes = read_recipes([tmp_path / "none", tmp_path / "one", tmp_path / "other"])
    assert recipes["copy"].config.model.hidden_size == 3


def test_a_recipe_called_after_another_task_is_refused(tmp_path: Path) -> None:
    (tmp_path / "copying.yaml").write_text("format: 2\ntask: {name: copy}\n")
    with pytest.raises(ValueError, match=r"copying.yaml is a recipe for copy, so its name must be copy.yaml or copy-"):
        read_recipes([tmp_path])


def test_a_broken_recipe_is_named(tmp_path: Path) -> None:
    (tmp_path / "copy.yaml").write_text("format: 2\ntask: {name: copy}\nmodel: {hiden_size: 3}\n")
    with pytest.raises(ValueError, match=r"copy.yaml: unknown key 'hiden_size'"):
        read_recipes([tmp_path])


def test_the_published_recipes_can_be_read_and_all_of_the_papers_have_published_results() -> None:
    recipes = read_recipes([PUBLISHED])
    tasks = {recipe.task for recipe in recipes.values() if recipe.of_the_paper}
    assert tasks == {"copy", "repeat-copy", "associative-recall", "ngrams", "priority-sort"}
    table = (PUBLISHED.parent / "results" / "README.md").read_text()
    published = set(re.findall(r"^\| ([\w-]+) \|.*`neuraltape reproduce \1 ", table, re.MULTILINE))
    assert {name for name, recipe in recipes.items() if recipe.of_the_paper} < published < set(recipes)


def test_the_papers_are_its_tasks_with_its_machines(tmp_path: Path) -> None:
    models = {
        "copy": "ntm, controller: lstm",
        "copy-feedforward": "ntm, controller: feedforward",
        "copy-gru": "ntm, controller: gru",
        "copy-dnc": "dnc",
        "copy-baseline": "lstm",
        "key-value": "ntm",
    }
    for name, model in models.items():
        task = "copy" if name.startswith("copy") else name
        (tmp_path / f"{name}.yaml").write_text(f"format: 2\ntask: {{name: {task}}}\nmodel: {{machine: {model}}}\n")
    recipes = read_recipes([tmp_path])
    known = {name: recipe.paper_parameters for name, recipe in recipes.items() if recipe.of_the_paper}
    assert known == {"copy": 67_561, "copy-feedforward": 17_162, "copy-baseline": 1_352_969}
    assert all(recipes[name].paper_parameters is None for name in ("copy-gru", "copy-dnc", "key-value"))


def test_variants_and_baselines_are_run_with_fewer_seeds(tmp_path: Path) -> None:
    (tmp_path / "priority-sort.yaml").write_text("format: 2\ntask: {name: priority-sort}\n")
    (tmp_path / "copy.yaml").write_text("format: 2\ntask: {name: copy}\n")
    (tmp_path / "copy-feedforward.yaml").write_text("format: 2\ntask: {name: copy}\nmodel: {controller: feedforward}\n")
    write_recipe(tmp_path, "copy-lstm")
    seeds = {name: recipe.usual_seeds for name, recipe in read_recipes([tmp_path]).items()}
    assert seeds == {"copy": 10, "copy-feedforward": 3, "copy-lstm": 1, "priority-sort": 5}


def test_the_seed_and_what_is_only_reported_are_no_settings(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    settings = settings_of(recipe.config)
    trials = [recipe.trial(seed, runs=tmp_path, results=tmp_path) for seed in (0, 7)]
    assert settings == trials[0].settings == trials[1].settings
    assert [config_of(trial).loop.seed for trial in trials] == [trial.seed for trial in trials] == [0, 7]
    more_often = replace(recipe.config, loop=replace(recipe.config.loop, report_every=7, checkpoint_every=0))
    assert differences(settings, more_often) == []


def test_a_changed_setting_is_named(tmp_path: Path) -> None:
    before = settings_of(write_recipe(tmp_path).config)
    now = write_recipe(tmp_path, learning_rate=0.5, max_length=4).config
    assert differences(before, now) == ["max_length was 3, is 4", "learning_rate was 0.001, is 0.5"]


def test_a_setting_that_is_new_counts_as_its_default(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    before = settings_of(recipe.config)
    del before["clip"], before["betas"]
    assert differences(before, recipe.config) == []
    assert differences({**before, "old": 1}, recipe.config) == ["old was 1, is gone"]
    assert differences(before, write_recipe(tmp_path, clip="none").config) == ["clip was norm, is none"]
