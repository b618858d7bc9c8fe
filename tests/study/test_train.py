import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neuraltape.runs import RunExistsError, load_run
from neuraltape.runs.directory import RunDirectory
from neuraltape.study.mirror import workplace
from neuraltape.study.store import Store
from neuraltape.study.sweep import make_trials
from neuraltape.study.train import wait_until_free, work
from neuraltape.tasks.files import read_rows
from neuraltape.training import NonFiniteError, train
from neuraltape.training.loop import Loop
from tests.study.processes.here import run_module
from tests.study.tiny import config_of, tiny_trials
from tests.training.small import assert_same_end


def pulled(store: Store, name: str, folder: Path) -> Path:
    store.pull(name, folder)
    return folder


def test_a_trial_leaves_a_run_directory_and_a_result(store: Store, tmp_path: Path) -> None:
    (trial,) = tiny_trials(store=store)
    result = work(trial, config_of(trial))
    assert (result.state, result.sequences, result.settings) == ("done", 480, trial.settings)
    # A sweep scores nothing beyond what its training does.
    assert result.scores == ()
    assert trial.look().result == result
    run = load_run(pulled(store, trial.name, tmp_path / "back"))
    assert run.settings == config_of(trial)
    assert run.metrics.lines[-1]["bits"] == result.bits


def test_a_trial_that_was_stopped_goes_on_to_the_same_end(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (trial,) = tiny_trials(base={"checkpoint_every": 0}, store=store)
    train(config_of(trial), run_dir=tmp_path / "whole", progress=False)
    steps = fail_at(17, monkeypatch)
    with pytest.raises(NonFiniteError):
        work(trial, config_of(trial))
    assert store.step(trial.name) == 17
    assert store.read(f"{trial.name}.json") is None
    monkeypatch.undo()
    steps.clear()
    count_steps(steps, monkeypatch)
    work(trial, config_of(trial))
    assert len(steps) == 13
    assert_same_end(pulled(store, trial.name, tmp_path / "back"), tmp_path / "whole")


def test_a_trial_with_other_settings_is_made_anew(store: Store) -> None:
    (before,), (now,) = tiny_trials(store=store), tiny_trials(base={"hidden_size": 9}, store=store)
    assert before.name == now.name
    work(before, config_of(before))
    assert work(now, config_of(now)).settings["hidden_size"] == 9


@pytest.mark.parametrize("words", [2, 300])
def test_a_run_of_own_data_is_recognised_with_what_was_found_in_the_files(tmp_path: Path, words: int) -> None:
    """It keeps an embedding too, which nobody asked for."""
    (tmp_path / "a.txt").write_text(" ".join(str(number % words) for number in range(900)))
    base = {
        "data": str(tmp_path / "a.txt"),
        "unit": "words",
        "window": 20,
        "model": "lstm",
        "hidden_size": 4,
        "max_sequences": 100,
        "evaluate_every": 100,
    }
    (trial,) = make_trials("text", base, {}, [0], Store(str(tmp_path / "store")))
    kept = config_of(trial).resolved()
    assert kept.model.embedding_size == 64
    assert trial.is_begun_in(kept.to_yaml().encode())
    assert work(trial, config_of(trial)).settings == trial.settings
    (run,) = (path for path in (tmp_path / "store").glob("*") if path.is_dir())
    assert trial.is_begun_in((run / "config.yaml").read_bytes())
    assert trial.look().state == "done"
    # What another file has taught is out of date, and its run is not gone on with.
    (tmp_path / "a.txt").write_text(" ".join(str(number % words) for number in range(899, -1, -1)))
    (now,) = make_trials("text", base, {}, [0], trial.results)
    assert now.look().why.startswith("contents was ['")
    assert not now.is_begun_in((run / "config.yaml").read_bytes())
    # Of results from before nobody can say.
    result = replace(trial.find_result(), settings={**trial.settings, "contents": None})
    assert not [each for each in now.changes(result) if each.startswith("contents")]


def test_the_files_of_own_data_are_read_once_for_all_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("sequence,x\n1,0.5\n1,1.5\n2,3\n2,0.5\n")
    read = []
    real = read_rows
    monkeypatch.setattr(
        "neuraltape.tasks.sequences.read_rows", lambda path, columns: read.append(path) or real(path, columns)
    )
    space = {"hidden_size": [4, 5], "data": [str(tmp_path / f"{name}.csv") for name in "ab"], "symbols": [None]}
    trials = make_trials("sequences", {"model": "lstm"}, space, range(3), Store(str(tmp_path)))
    assert len(trials) == 12
    assert sorted(read) == space["data"]
    assert {trial.settings["kind"] for trial in trials} == {"values"}
    assert {trial.settings["data"] for trial in trials} == set(space["data"])


def test_a_trial_whose_files_are_elsewhere_is_made_all_the_same(tmp_path: Path) -> None:
    base = {"data": str(tmp_path / "there.txt"), "model": "lstm"}
    (trial,) = make_trials("text", base, {}, [0], Store(str(tmp_path)))
    assert trial.settings["data"] == base["data"]


def test_a_copy_elsewhere_is_brought_up_to_date_meanwhile(tmp_path: Path) -> None:
    store = Store(f"memory://{tmp_path.name}")
    (tmp_path / "run").mkdir()
    train(config_of(tiny_trials()[0]), run_dir=tmp_path / "run", progress=False)
    with workplace(store, "trial", every=0.01) as run_dir:
        shutil.copytree(tmp_path / "run", run_dir)
        deadline = time.monotonic() + 30
        while store.step("trial") is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert store.step("trial") == 30
    assert not run_dir.exists()


def test_a_store_that_is_away_for_a_moment_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, calls = Store(f"memory://{tmp_path.name}"), list[int]()
    push = store.push

    def sometimes(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) < 3:
            raise ConnectionError("away")
        return push(*arguments)

    monkeypatch.setattr(store, "push", sometimes)
    with workplace(store, "trial", every=0.01) as run_dir:
        run_dir.mkdir()
        (run_dir / "config.yaml").write_text("x")
        while len(calls) < 3:
            time.sleep(0.01)
    assert store.read("trial/config.yaml") == b"x"


def test_a_directory_in_use_is_waited_for(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    directory.lock()
    with pytest.raises(RunExistsError, match="in use"):
        wait_until_free(tmp_path, 0)
    threading.Timer(0.2, directory.release).start()
    wait_until_free(tmp_path, 30)
    directory.lock()
    directory.release()


def test_the_program_makes_the_trial_that_it_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (trial,) = tiny_trials(store=tmp_path)
    module, *words = trial.command
    assert run_module(module, words) == 0
    assert trial.look().state == "done"
    words[2] = "taken"
    (tmp_path / "taken-seed-0").write_text("")
    assert run_module(module, words) == 1
    assert capsys.readouterr().err.endswith("taken-seed-0 is a file, not a folder for a run\n")


def test_a_trial_asks_for_the_processors_and_gpus_of_its_training() -> None:
    (here,) = tiny_trials()
    (there,) = tiny_trials(base={"accelerator": "cuda", "devices": 2})
    assert [(each.cpus, each.gpus) for each in (here, there)] == [(1, 0), (1, 2)]


def count_steps(steps: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    train_step = Loop.train_step

    def counted(self: Loop) -> Any:
        steps.append(1)
        return train_step(self)

    monkeypatch.setattr(Loop, "train_step", counted)


def fail_at(step: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let trainings end with an error after so many steps."""
    steps: list[int] = []
    count_steps(steps, monkeypatch)
    train_step = Loop.train_step

    def failing(self: Loop) -> Any:
        if len(steps) == step:
            raise NonFiniteError("a trial")
        return train_step(self)

    monkeypatch.setattr(Loop, "train_step", failing)
    return steps
