"""What a checkpoint and the settings must be for a training to go on, and what happens where they are not."""

import json
import shutil
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch

from neuraltape import kernels
from neuraltape.nn import backend
from neuraltape.runs.checkpoint import load_checkpoint, save_checkpoint
from neuraltape.runs.directory import RunDirectory
from neuraltape.settings import AdamSettings, RMSPropSettings, Settings
from neuraltape.settings.optimizer import OptimizerSettings
from neuraltape.tasks import TASKS, Copy, Sequences
from neuraltape.training import Interrupted, resume, start, train
from neuraltape.training.checks import check_runs_here, expected_tensors

from .small import LSTM, NTM, StopAt, assert_same_end, files_of, small


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that each test copies before it breaks it."""
    path = tmp_path_factory.mktemp("trained")
    settings = small(max_sequences=20, evaluate_sequences=4, optimizer=AdamSettings(average=0.9))
    train(settings, run_dir=path, progress=False)
    return path


def flip(path: Path, at: int) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("what", ["flipped", "cut", "gone"])
def test_a_broken_checkpoint_costs_no_more_than_the_one_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    settings = small(max_sequences=80, checkpoint_every=0.0, report_every=8, evaluate_every=20)
    train(settings, run_dir=tmp_path / "whole", progress=False)
    monkeypatch.setattr(start, "make_progress", lambda *a, **k: StopAt(12))
    with pytest.raises(Interrupted):
        train(settings, run_dir=tmp_path / "broken")
    directory = RunDirectory(tmp_path / "broken")
    steps = [load_checkpoint(path).values["counters"]["step"] for path in (directory.before, directory.checkpoint)]
    assert steps == [12, 13]
    if what == "flipped":
        # In the weights, where nothing but the checksum can tell.
        flip(directory.checkpoint, -5)
    elif what == "cut":
        directory.checkpoint.write_bytes(directory.checkpoint.read_bytes()[:-20])
    else:
        # A kill between two renames, on a disk that has no links.
        directory.checkpoint.unlink()
    monkeypatch.setattr(start, "make_progress", lambda *a, **k: StopAt(16))
    said = r"state\.safetensors is .*broken.*; going on from the one before it, .*before\.safetensors$"
    with nullcontext() if what == "gone" else pytest.warns(UserWarning, match=said), pytest.raises(Interrupted):
        resume(directory.path)
    # Both are whole again.
    steps = [load_checkpoint(path).values["counters"]["step"] for path in (directory.before, directory.checkpoint)]
    assert steps == [16, 17]
    resume(directory.path, progress=False)
    assert_same_end(tmp_path / "whole", directory.path)


def test_a_training_without_a_whole_checkpoint_is_refused_and_kept(tmp_path: Path, trained: Path) -> None:
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    directory = RunDirectory(tmp_path)
    for path in (directory.checkpoint, directory.before):
        shutil.copy(trained / "checkpoint" / "state.safetensors", path)
        flip(path, -5)
    before = files_of(tmp_path)
    with pytest.raises(ValueError, match=r"state\.safetensors is broken.*no other one .* train anew$") as error:
        resume(tmp_path, max_sequences=40, progress=False)
    assert "\n" not in str(error.value)
    assert files_of(tmp_path) == before


def changed(path: Path, **flat: Any) -> None:
    """Write other settings into a run's folder, as someone with an editor might."""
    Settings.from_flat({**Settings.load(path / "config.yaml").flat(), **flat}).save(path / "config.yaml")


@pytest.mark.parametrize(
    ("flat", "said"),
    [
        ({"seed": 5}, "seed was 0, is 5"),
        ({"batch_size": 8}, "batch_size was 4, is 8"),
        ({"learning_rate": 0.5, "clip": "none"}, "learning_rate was 0.001, is 0.5; clip was norm, is none"),
        ({"hidden_size": 9}, "hidden_size was 8, is 9"),
        ({"cooldown_sequences": 80}, "cooldown_sequences was 0, is 80"),
        ({"evaluate_every": 50}, "evaluate_every was 100, is 50"),
    ],
)
def test_settings_that_matter_cannot_change_in_the_middle(tmp_path: Path, flat: dict[str, Any], said: str) -> None:
    train(small(max_sequences=20), run_dir=tmp_path, progress=False)
    changed(tmp_path, **flat)
    before = files_of(tmp_path)
    with pytest.raises(ValueError, match=f"settings cannot change in the middle of a training, and {said} since"):
        resume(tmp_path, max_sequences=40, progress=False)
    assert files_of(tmp_path) == before


def test_another_optimiser_or_machine_is_named(tmp_path: Path) -> None:
    train(small(max_sequences=20), run_dir=tmp_path, progress=False)
    for settings, said in (
        (small(max_sequences=20, optimizer=RMSPropSettings()), "optimizer was adam, is rmsprop"),
        (small(max_sequences=20, model=NTM), "model was lstm, is ntm"),
    ):
        settings.save(tmp_path / "config.yaml")
        with pytest.raises(ValueError, match=said):
            resume(tmp_path, progress=False)


def test_how_long_how_often_and_where_may_change(tmp_path: Path) -> None:
    train(small(max_sequences=20), run_dir=tmp_path, progress=False)
    changed(tmp_path, max_sequences=40, report_every=10, checkpoint_every=1.0, timeout=50.0, stop_when_solved=False)
    assert resume(tmp_path, progress=False).sequences == 40


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tensors, values: tensors.pop("clipping.usual"), r"it lacks clipping\.usual$"),
        (lambda tensors, values: tensors.pop("optimizer.0.exp_avg"), r"it lacks optimizer\.0\.exp_avg$"),
        (lambda tensors, values: tensors.pop("random.cpu"), r"it lacks random\.cpu$"),
        (lambda tensors, values: tensors.update({"model.more": torch.ones(1)}), r"it holds unknown model\.more$"),
        (lambda tensors, values: values.pop("counters"), r"it lacks counters$"),
        (lambda tensors, values: values["counters"].pop("cooldowns"), r"it lacks counters: cooldowns$"),
        (lambda tensors, values: values["counters"].update(moon=1), r"it holds unknown counters: moon$"),
        (lambda tensors, values: values.update(moon=1), r"it holds unknown moon$"),
        (
            lambda tensors, values: tensors.update({"model.output.bias": torch.ones(7)}),
            r"model\.output\.bias must be \(2,\) of torch\.float32; got \(7,\) of torch\.float32$",
        ),
        (
            lambda tensors, values: tensors.update({"model.output.bias": tensors["model.output.bias"].double()}),
            r"model\.output\.bias must be \(2,\) of torch\.float32; got \(2,\) of torch\.float64$",
        ),
        (
            lambda tensors, values: tensors.update({"optimizer.0.exp_avg": torch.ones(3)}),
            r"exp_avg must be .*; got \(3,",
        ),
        (
            lambda tensors, values: tensors.update({"optimizer.0.step": torch.ones(3)}),
            r"step must be \(\) of .*got \(3,",
        ),
        (
            lambda tensors, values: tensors.update({"clipping.usual": torch.ones(2)}),
            r"usual must be \(\) of .*got \(2,",
        ),
        (
            lambda tensors, values: tensors.update({"average.weights": torch.ones(3)}),
            r"average\.weights must be .*got \(3",
        ),
        (
            lambda tensors, values: tensors.update({"random.cpu": torch.ones(3)}),
            r"random\.cpu must be .* of torch\.uint8",
        ),
        (
            lambda tensors, values: tensors["model.output.bias"].fill_(torch.nan),
            r"model\.output\.bias is not finite$",
        ),
        (
            lambda tensors, values: tensors["optimizer.0.exp_avg_sq"][3:4].fill_(torch.inf),
            r"optimizer\.0\.exp_avg_sq is not finite$",
        ),
        (lambda tensors, values: tensors.update({"random.cuda": torch.ones(3)}), r"random\.cuda must be \(16,\) of"),
        (lambda tensors, values: values.update(counters=[]), r"counters must be a mapping; got \[\]$"),
        (lambda tensors, values: values.update(settings="x"), r"settings must be a mapping; got 'x'$"),
        (lambda tensors, values: values["counters"].update(step="x"), r"counters: step must be int; got 'x'$"),
        (lambda tensors, values: values["counters"].update(step=-1), r"counters: step must be int; got -1$"),
        (lambda tensors, values: values["counters"].update(step=4), r"step 4, sequences 20 and stage 1 do not belong"),
        (lambda tensors, values: values["counters"].update(stage=99), r"counters: stage must be at most 10; got 99$"),
        (lambda tensors, values: values["counters"].update(stage=0), r"stage 0 do not belong together"),
        (lambda tensors, values: values["counters"].update(recent="abc"), r"recent must be list\[float\]; got 'abc'$"),
        (
            lambda tensors, values: values["counters"].update(recent=["a"]),
            r"recent must be list\[float\]; got \['a'\]$",
        ),
        (lambda tensors, values: values["counters"].update(bits=True), r"bits must be float or None; got True$"),
        (lambda tensors, values: values["counters"].update(solved_at=99), r"solved_at must be at most 20; got 99$"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_before_anything_is_written(
    tmp_path: Path, trained: Path, change: Callable[[dict[str, Any], dict[str, Any]], object], said: str
) -> None:
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    path = RunDirectory(tmp_path).checkpoint
    kept = load_checkpoint(path)
    change(kept.tensors, kept.values)
    save_checkpoint(path, kept)
    # A line that a killed run may have left: to begin would drop it.
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 99, "kind": "training", "sequences": 400}\n')
    before = files_of(tmp_path)
    with pytest.raises(ValueError, match=said) as error:
        resume(tmp_path, max_sequences=40, progress=False)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    assert files_of(tmp_path) == before


@pytest.mark.parametrize(
    ("optimizer", "precision", "model"),
    [
        (AdamSettings(average=0.9), "32-true", NTM),
        (RMSPropSettings(), "64-true", LSTM),
    ],
)
def test_what_is_expected_of_a_checkpoint_is_what_is_written(
    tmp_path: Path, optimizer: OptimizerSettings, precision: str, model: object
) -> None:
    settings = small(max_sequences=4, evaluate_sequences=2, optimizer=optimizer, precision=precision, model=model)
    train(settings, run_dir=tmp_path, progress=False)
    kept = load_checkpoint(RunDirectory(tmp_path).checkpoint).tensors
    kept.pop("random.cuda", None)
    assert expected_tensors(settings) == {name: (tuple(each.shape), each.dtype) for name, each in kept.items()}


def test_what_is_not_installed_is_said_before_a_run_is_touched(
    tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    before = files_of(tmp_path)
    with pytest.raises(ValueError, match="tensorboard is not installed"):
        train(small(max_sequences=8, tensorboard=True), run_dir=tmp_path, overwrite=True, progress=False)
    assert files_of(tmp_path) == before
    changed(tmp_path, tensorboard=True)
    before = files_of(tmp_path)
    with pytest.raises(ValueError, match="tensorboard is not installed"):
        resume(tmp_path, max_sequences=40, progress=False)
    assert files_of(tmp_path) == before


def test_a_budget_that_is_spent_already_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "make_progress", lambda *a, **k: StopAt(12))
    with pytest.raises(Interrupted):
        train(small(), run_dir=tmp_path)
    before = files_of(tmp_path)
    # It has stopped after 52 sequences, before the first evaluation.
    for budget in (32, 52):
        with pytest.raises(ValueError, match=f"max_sequences must be above .* already, 52; got {budget}$"):
            resume(tmp_path, max_sequences=budget)
        assert files_of(tmp_path) == before
    assert resume(tmp_path, max_sequences=56, progress=False).sequences == 56


@pytest.mark.parametrize("more", [{"batch_size": 10**12, "max_sequences": 10**13}, {"task": Copy(max_length=10**13)}])
def test_what_is_too_large_for_this_computer_clears_no_old_run_away(
    tmp_path: Path, trained: Path, more: dict[str, Any]
) -> None:
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    before = files_of(tmp_path)
    with pytest.raises(ValueError, match=r"this training cannot run here: .*memory"):
        train(small(**more), run_dir=tmp_path, overwrite=True, progress=False)
    assert files_of(tmp_path) == before


@pytest.mark.parametrize(("precision", "dtype"), [("64-true", torch.float64), ("bf16-mixed", torch.float32)])
def test_a_machine_is_tried_in_the_precision_that_it_is_trained_in(
    monkeypatch: pytest.MonkeyPatch, precision: Any, dtype: torch.dtype
) -> None:
    # In another one kernels would be compiled that nobody needs.
    asked = []
    monkeypatch.setattr(backend, "resolve", lambda *call: asked.append(call[3]) or kernels.resolve(*call))
    check_runs_here(small(model=NTM, precision=precision))
    assert asked == [dtype]


def test_lengths_double_from_one_that_no_sequence_has(tmp_path: Path) -> None:
    rows = [{"inputs": [[1.0]] * length, "targets": [[1]] * length} for length in (5, 30, 100)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = Sequences(str(tmp_path / "a.jsonl"), validation_fraction=0)
    assert task.grows_lengths
    check_runs_here(small(task=task, curriculum="doubling", grow_from=10))


@pytest.mark.parametrize("name", [name for name in TASKS if not TASKS[name].required_options() and name != "babi"])
def test_a_task_says_whether_its_lengths_grow(name: str) -> None:
    task = TASKS[name]()
    half = task.grown(max(task.shortest, task.longest // 2) / task.longest)
    assert task.grows_lengths == (half.longest == max(task.shortest, task.longest // 2)), name
