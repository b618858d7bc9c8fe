import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from neuraltape.runs import RunDirectory, RunExistsError
from neuraltape.runs.checkpoint import load_checkpoint
from neuraltape.study.reproduce import Recipe
from neuraltape.study.train import work
from neuraltape.study.trial import Trial
from tests.study.made_up import result, write_recipe
from tests.study.tiny import config_of


def trial_of(recipe: Recipe, folder: Path, seed: int = 0) -> Trial:
    return recipe.trial(seed, runs=folder / "runs", results=folder / "results")


def place_of(trial: Trial) -> Path:
    """Where the result goes."""
    return Path(trial.results.path(f"{trial.name}.json"))


def begin(trial: Trial) -> Path:
    """A run directory that holds no more than its configuration."""
    run_dir = Path(trial.runs.path(trial.name))
    run_dir.mkdir(parents=True)
    config_of(trial).save(run_dir / "config.yaml")
    return run_dir


def test_every_recipe_with_every_seed_has_a_place(tmp_path: Path) -> None:
    trial = trial_of(write_recipe(tmp_path, "copy-lstm"), tmp_path, seed=5)
    assert trial.name == "copy-lstm-seed-5"
    assert trial.runs.path(trial.name) == str(tmp_path / "runs" / "copy-lstm-seed-5")
    assert place_of(trial) == tmp_path / "results" / "copy" / "copy-lstm-seed-5.json"
    assert trial.look().state == "new"


def test_the_command_says_everything(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    trial = trial_of(recipe, tmp_path, seed=4)
    module, *words, _, how = trial.command
    assert (module, how) == ("neuraltape.study", "measure")
    assert words == [str(tmp_path / "runs"), str(tmp_path / "results" / "copy"), "copy"]
    assert config_of(trial) == replace(recipe.config, loop=replace(recipe.config.loop, seed=4))
    assert trial.job(tmp_path / "logs").log == tmp_path / "logs" / "copy-seed-4.log"


def test_a_result_of_the_same_settings_is_done(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    trial, made = trial_of(recipe, tmp_path), result(recipe, 0)
    made.save(place_of(trial))
    assert trial.look() == ("done", "", made)
    assert trial_of(recipe, tmp_path, seed=1).look().state == "new"


def test_a_result_of_other_settings_is_stale(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    result(recipe, 0).save(place_of(trial_of(recipe, tmp_path)))
    found = trial_of(write_recipe(tmp_path, hidden_size=9), tmp_path).look()
    assert found == ("stale", "hidden_size was 8, is 9", None)


def test_a_result_with_a_setting_that_is_gone_is_stale(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    made = result(recipe, 0)
    replace(made, settings={**made.settings, "old": 1}).save(place_of(trial_of(recipe, tmp_path)))
    assert trial_of(recipe, tmp_path).look() == ("stale", "old was 1, is gone", None)


def test_a_result_on_other_lengths_is_measured_anew_where_the_run_is_kept(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    trial = trial_of(recipe, tmp_path)
    replace(result(recipe, 0), probes=("1-3", "30")).save(place_of(trial))
    begin(trial)
    assert trial.look() == ("stale", "it was measured on 1-3, 30", None)


def test_a_run_directory_of_other_settings_or_another_seed_is_made_again(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    run_dir = begin(trial_of(recipe, tmp_path))
    assert trial_of(recipe, tmp_path).look().state == "unfinished"
    stale = ("stale", f"{run_dir} was made with other settings", None)
    assert trial_of(write_recipe(tmp_path, hidden_size=9), tmp_path).look() == stale
    shutil.move(run_dir, run_dir.with_name("copy-seed-1"))
    assert trial_of(recipe, tmp_path, seed=1).look().state == "stale"


@pytest.mark.parametrize("text", ["", "[", "- 1", "task: none", "task: copy\nhiden_size: 3"])
def test_a_run_directory_that_nobody_can_read_is_stale(tmp_path: Path, text: str) -> None:
    trial = trial_of(write_recipe(tmp_path), tmp_path)
    (begin(trial) / "config.yaml").write_text(text)
    assert trial.look().state == "stale"


def test_a_broken_result_is_named(tmp_path: Path) -> None:
    trial = trial_of(write_recipe(tmp_path), tmp_path)
    place_of(trial).parent.mkdir(parents=True)
    place_of(trial).write_text("{")
    with pytest.raises(ValueError, match=r"copy-seed-0.json: this is no result of a run"):
        trial.look()


def test_a_killed_run_is_gone_on_with(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, max_sequences=4000, evaluate_every=2000, checkpoint_every=0.05)
    trial = trial_of(recipe, tmp_path)
    program = f"""
from pathlib import Path
from neuraltape.study.processes import Job, View, run_jobs
run_jobs([Job("trial", {trial.command!r}, Path({str(tmp_path / "log")!r}))], at_once=1, view=View("trial", 1))
"""
    directory = RunDirectory(trial.runs.path(trial.name))
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL) as runner:
        wait_until(directory.checkpoint.exists)
        runner.kill()
    # Its child has noticed, and gives the directory back.
    wait_until(lambda: is_free(directory))
    step = load_checkpoint(directory.checkpoint).values["counters"]["step"]
    assert 0 < step < 250
    assert trial.look().state == "unfinished"

    made = work(trial, config_of(trial))
    assert (made.sequences, [each.label for each in made.scores]) == (4000, list(trial.probes))
    shutil.rmtree(directory.path)
    assert trial.look() == ("done", "", made)


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
