import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from neuraltape.runs import RunExistsError, load_run
from neuraltape.runs.checkpoint import load_checkpoint
from neuraltape.runs.directory import RunDirectory
from neuraltape.study.reproduce.plan import Plan, make_plan
from neuraltape.study.reproduce.recipe import Recipe
from neuraltape.study.reproduce.result import measure
from neuraltape.study.sweep import Store
from neuraltape.study.sweep.trial import train_command
from neuraltape.training import resume
from tests.study.reproduce.made_up import result, write_recipe


def plan_of(recipe: Recipe, folder: Path, seed: int = 0) -> Plan:
    (plan,) = make_plan([(recipe, [seed])], runs=folder / "runs", results=folder / "results")
    return plan


def test_every_recipe_with_every_seed_has_a_place(tmp_path: Path) -> None:
    recipes = [write_recipe(tmp_path, name) for name in ("copy", "copy-lstm")]
    plans = make_plan(zip(recipes, ([0, 1], [5]), strict=True), runs=tmp_path / "runs", results=tmp_path / "results")
    assert [plan.name for plan in plans] == ["copy-seed-0", "copy-seed-1", "copy-lstm-seed-5"]
    assert plans[2].run_dir == tmp_path / "runs" / "copy-lstm-seed-5"
    assert plans[2].result == tmp_path / "results" / "copy" / "copy-lstm-seed-5.json"
    assert {plan.state for plan in plans} == {"new"}


def test_a_new_run_is_trained_and_measured(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    plan = plan_of(recipe, tmp_path, seed=4)
    train_it, measure_it = plan.job().commands
    assert train_it == train_command(Store(str(tmp_path / "runs")), "copy-seed-4", recipe.seeded(4))
    assert measure_it == ("neuraltape.study.reproduce", str(plan.run_dir), "copy", str(plan.result))
    assert plan.job().log.parent == plan.run_dir.parent


def test_a_result_of_the_same_settings_is_done(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    plan = plan_of(recipe, tmp_path)
    result(recipe, 0).save(plan.result)
    assert plan_of(recipe, tmp_path).state == "done"
    assert plan_of(recipe, tmp_path, seed=1).state == "new"


def test_a_result_of_other_settings_is_stale_and_trained_anew(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    result(recipe, 0).save(plan_of(recipe, tmp_path).result)
    plan = plan_of(write_recipe(tmp_path, hidden_size=9), tmp_path)
    assert (plan.state, plan.why) == ("stale", "hidden_size was 8, is 9")


def test_a_result_on_other_lengths_is_measured_anew_where_the_run_is_kept(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    plan = plan_of(recipe, tmp_path)
    replace(result(recipe, 0), probes=("1-3", "30")).save(plan.result)
    plan.run_dir.mkdir(parents=True)
    recipe.config.save(plan.run_dir / "config.yaml")
    plan = plan_of(recipe, tmp_path)
    assert (plan.state, plan.why) == ("stale", "it was measured on 1-3, 30")


def test_a_run_directory_of_other_settings_is_made_again(tmp_path: Path) -> None:
    plan = plan_of(write_recipe(tmp_path), tmp_path)
    plan.run_dir.mkdir(parents=True)
    plan.recipe.config.save(plan.run_dir / "config.yaml")
    assert plan_of(plan.recipe, tmp_path).state == "unfinished"
    changed = plan_of(write_recipe(tmp_path, hidden_size=9), tmp_path)
    assert (changed.state, changed.why) == ("stale", f"{plan.run_dir} was made with other settings")


def test_a_broken_result_is_named(tmp_path: Path) -> None:
    plan = plan_of(write_recipe(tmp_path), tmp_path)
    plan.result.parent.mkdir(parents=True)
    plan.result.write_text("{")
    with pytest.raises(ValueError, match=r"copy-seed-0.json is no result"):
        plan_of(plan.recipe, tmp_path)


def test_a_killed_run_is_gone_on_with(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, max_sequences=4000, evaluate_every=2000, checkpoint_every=0.05)
    plan = plan_of(recipe, tmp_path)
    program = f"""
from pathlib import Path
from neuraltape.study.processes import Job, View, run_jobs
run_jobs([Job("trial", {plan.job().commands!r}, Path({str(tmp_path / "log")!r}))], at_once=1, view=View("trial", 1))
"""
    directory = RunDirectory(plan.run_dir)
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL) as runner:
        wait_until(directory.checkpoint.exists)
        runner.kill()
    # Its child has noticed, and gives the directory back.
    wait_until(lambda: is_free(directory))
    step = load_checkpoint(directory.checkpoint).values["counters"]["step"]
    assert 0 < step < 250
    plan = plan_of(recipe, tmp_path)
    assert plan.state == "unfinished"

    assert resume(plan.run_dir, progress=False).steps == 250
    measure(load_run(plan.run_dir), "copy").save(plan.result)
    shutil.rmtree(plan.run_dir)
    assert plan_of(recipe, tmp_path).state == "done"


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_free(directory: RunDirectory) -> bool:
    try:
        directory.lock()
    except RunExistsError:
        return False
    directory.release()
    return True
