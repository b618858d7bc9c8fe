import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
import torch
from lightning_fabric import Fabric

from neuraltape.runs import RunExistsError, load_run
from neuraltape.runs.checkpoint import load_checkpoint, save_checkpoint
from neuraltape.runs.directory import RunDirectory
from neuraltape.runs.metrics import read_metrics
from neuraltape.settings import AdamSettings, RMSPropSettings, Settings
from neuraltape.settings.optimizer import OptimizerSettings
from neuraltape.tasks import TASKS, Copy, Goal
from neuraltape.training import Interrupted, resume, start, train
from neuraltape.training.checks import expected_tensors
from neuraltape.training.counters import Counters
from neuraltape.training.start import restarted

from .small import LSTM, NTM, assert_same_end, lines, small

# As much as a checkpoint can hold: momenta, an average, a warm-up, a curriculum in its middle.
FULL = small(
    optimizer=AdamSettings(average=0.9, warmup_steps=10, schedule="cosine"),
    curriculum="growing",
    checkpoint_every=0.0,
)


def test_the_configuration_repeats_the_run(tmp_path: Path) -> None:
    train(FULL, run_dir=tmp_path / "one", progress=False)
    train(Settings.load(tmp_path / "one" / "config.yaml"), run_dir=tmp_path / "other", progress=False)
    assert_same_end(tmp_path / "one", tmp_path / "other")


def test_another_seed_is_another_run(tmp_path: Path) -> None:
    for seed in (0, 1):
        train(small(seed=seed, max_sequences=60), run_dir=tmp_path / str(seed), progress=False)
    assert lines(tmp_path / "0") != lines(tmp_path / "1")


class Killed(BaseException):
    """Nothing catches it: the process might as well be gone."""


@pytest.mark.parametrize(
    ("call", "optimizer", "model"),
    [("fsync", FULL.optimizer, NTM), ("replace", RMSPropSettings(average=0.9), LSTM)],
    ids=["fsync", "replace"],
)
def test_a_death_at_any_write_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, optimizer: OptimizerSettings, model: object
) -> None:
    config = replace(FULL, optimizer=optimizer, model=model)
    config = replace(config, loop=replace(config.loop, max_sequences=60, report_every=4, evaluate_every=8))
    train(config, run_dir=tmp_path / "whole", progress=False)
    real, chance, left = getattr(os, call), random.Random(0), [5]

    def die(*arguments: object) -> object:
        left[0] -= 1
        # Now at a checkpoint, now at the model's files, now at the metrics of a resumed run.
        if left[0] == 0:
            left[0] = chance.randint(4, 14)
            raise Killed
        return real(*arguments)

    deaths = 0
    with monkeypatch.context() as patch:
        patch.setattr(os, call, die)
        run = tmp_path / "torn"
        while True:
            try:
                if (run / "config.yaml").exists():
                    resume(run, progress=False)
                else:
                    train(config, run_dir=run, progress=False)
                break
            except Killed:
                deaths += 1
    assert deaths > 3
    assert_same_end(tmp_path / "whole", tmp_path / "torn")


def test_sigkill_at_any_moment_costs_nothing(tmp_path: Path) -> None:
    config = replace(FULL, loop=replace(FULL.loop, max_sequences=400, report_every=20))
    config.save(tmp_path / "config.yaml")
    command = [sys.executable, "-W", "error", "-m", "tests.training.kill_trial", str(tmp_path), "6"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    kills = json.loads(done.stdout)
    # Kills, and the step of the checkpoint that each left.
    assert len(kills) == 6
    assert max(kills) > 0
    assert kills == sorted(kills)
    assert_same_end(tmp_path / "whole", tmp_path / "killed")


@dataclass(frozen=True, kw_only=True)
class Hard(Copy):
    """Copy with a goal that is never met."""

    name: ClassVar[str] = "hard"
    goal: ClassVar[Goal | None] = Goal("bits", 1e-9)


@pytest.mark.parametrize("clip", ["adaptive", "norm"])
def test_going_on_inside_a_cool_down_ends_as_if_nothing_had_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: Literal["adaptive", "norm"]
) -> None:
    monkeypatch.setitem(TASKS, Hard.name, Hard)
    settings = small(
        task=Hard(max_length=3, bits=2),
        model=NTM,
        # Tight enough that the usual norm decides about nearly every step.
        optimizer=AdamSettings(learning_rate=0.01, clip=clip, clip_at=0.5, clip_floor=1e-6 * (clip == "adaptive")),
        training_slots=3,
        most_training_slots=9,
        cooldown_sequences=80,
        cooldown_below=100.0,
        cooldown_retry_rate=0.5,
        cooldown_clip_floor=0.02 * (clip == "adaptive"),
        evaluate_every=40,
        max_sequences=200,
    )
    train(settings, run_dir=tmp_path / "whole", progress=False)
    steps = []
    for number, at in enumerate((15, 25, 40, None)):
        monkeypatch.setattr(start, "make_progress", lambda *a, at=at, **k: StopAt(at))
        if number == 0:
            with pytest.raises(Interrupted):
                train(settings, run_dir=tmp_path / "parts")
        elif at is None:
            resume(tmp_path / "parts")
        else:
            with pytest.raises(Interrupted):
                resume(tmp_path / "parts")
        kept = load_checkpoint(RunDirectory(tmp_path / "parts").checkpoint).values["counters"]
        steps.append((kept["step"], kept["cooling_since"], kept["cooldowns"]))
    # Twice inside a cool-down, once between two.
    assert steps[:3] == [(16, 40, 0), (26, 40, 0), (41, 160, 1)]
    assert_same_end(tmp_path / "whole", tmp_path / "parts")


def test_going_on_after_a_restart_ends_as_if_nothing_had_been(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS, Hard.name, Hard)
    settings = small(
        task=Hard(max_length=3, bits=2),
        model=NTM,
        optimizer=AdamSettings(learning_rate=0.01, clip="adaptive", average=0.5, warmup_steps=3),
        training_slots=3,
        curriculum="growing",
        grow_below=10.0,
        evaluate_every=40,
        max_sequences=200,
        restart_after=80,
    )
    result = train(settings, run_dir=tmp_path / "whole", progress=False)
    assert (result.restarts, result.sequences, result.steps) == (1, 200, 50)
    restarts = [
        line["sequences"]
        for line in read_metrics(tmp_path / "whole" / "metrics.jsonl").lines
        if line["kind"] == "restart"
    ]
    assert restarts == [80]
    # Before the restart, in the very step that ends with it, and after it.
    for number, at in enumerate((11, 19, 33, None)):
        monkeypatch.setattr(start, "make_progress", lambda *a, at=at, **k: StopAt(at))
        with nullcontext() if at is None else pytest.raises(Interrupted):
            train(settings, run_dir=tmp_path / "parts") if number == 0 else resume(tmp_path / "parts")
        kept = load_checkpoint(RunDirectory(tmp_path / "parts").checkpoint).values["counters"]
        assert (kept["step"], kept["restarts"]) == ((12, 0), (20, 1), (34, 1), (50, 1))[number]
    assert_same_end(tmp_path / "whole", tmp_path / "parts")


class StopAt:
    """A progress that asks the training to stop after a step."""

    def __init__(self, step: int | None) -> None:
        self.step = step

    def update(self, counters: Counters, bits: float) -> None:
        if counters.step == self.step:
            signal.raise_signal(signal.SIGTERM)

    def say(self, text: str) -> None:
        pass

    def close(self) -> None:
        pass


def test_a_larger_budget_goes_on_from_the_end(tmp_path: Path) -> None:
    train(small(max_sequences=200), run_dir=tmp_path / "one", progress=False)
    result = resume(tmp_path / "one", max_sequences=240, progress=False)
    train(small(max_sequences=240), run_dir=tmp_path / "other", progress=False)
    assert result.sequences == 240
    assert Settings.load(tmp_path / "one" / "config.yaml").loop.max_sequences == 240
    one, other = (load_run(tmp_path / name).model.state_dict() for name in ("one", "other"))
    assert all((one[name] == other[name]).all() for name in one)


def test_a_run_that_ended_gives_its_result_again(tmp_path: Path) -> None:
    first = train(small(max_sequences=60), run_dir=tmp_path, progress=False)
    before = (tmp_path / "metrics.jsonl").read_bytes()
    again = resume(tmp_path, progress=False)
    assert (again.bits, again.wrong, again.steps) == (first.bits, first.wrong, first.steps)
    assert again.seconds == pytest.approx(first.seconds, abs=5)
    assert (tmp_path / "metrics.jsonl").read_bytes() == before


def test_a_run_killed_before_its_first_checkpoint_begins_again(tmp_path: Path) -> None:
    config = small(max_sequences=60)
    train(config, run_dir=tmp_path / "whole", progress=False)
    (tmp_path / "early").mkdir()
    config.save(tmp_path / "early" / "config.yaml")
    (tmp_path / "early" / "metrics.jsonl").write_text('{"step": 1}\n{"st')
    resume(tmp_path / "early", progress=False)
    assert_same_end(tmp_path / "whole", tmp_path / "early")


def test_a_run_is_overwritten_only_on_request(tmp_path: Path) -> None:
    train(small(max_sequences=60), run_dir=tmp_path, progress=False)
    before = (tmp_path / "metrics.jsonl").read_bytes()
    with pytest.raises(RunExistsError, match="holds a run already"):
        train(small(max_sequences=20), run_dir=tmp_path, progress=False)
    assert (tmp_path / "metrics.jsonl").read_bytes() == before
    assert train(small(max_sequences=20), run_dir=tmp_path, overwrite=True, progress=False).sequences == 20
    assert [line["sequences"] for line in read_metrics(tmp_path / "metrics.jsonl").lines] == [20, 20]


def test_a_run_in_use_is_neither_overwritten_nor_resumed(tmp_path: Path) -> None:
    train(small(max_sequences=20), run_dir=tmp_path, progress=False)
    holder = RunDirectory(tmp_path)
    holder.lock()
    with pytest.raises(RunExistsError, match="in use"):
        train(small(), run_dir=tmp_path, overwrite=True, progress=False)
    with pytest.raises(RunExistsError, match="in use"):
        resume(tmp_path, progress=False)
    holder.release()
    assert resume(tmp_path, progress=False).sequences == 20


def test_resuming_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no run"):
        resume(tmp_path / "nowhere", progress=False)
    assert not (tmp_path / "nowhere").exists()


def test_a_broken_checkpoint_is_said_and_kept(tmp_path: Path) -> None:
    train(small(max_sequences=20), run_dir=tmp_path, progress=False)
    path = tmp_path / "checkpoint" / "state.safetensors"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"state\.safetensors"):
        resume(tmp_path, progress=False)
    assert path.exists()


def changed(path: Path, **flat: Any) -> None:
    """Write other settings into a run's folder, as someone with an editor might."""
    Settings.from_flat({**Settings.load(path / "config.yaml").flat(), **flat}).save(path / "config.yaml")


def files_of(path: Path) -> dict[Path, bytes]:
    return {each: each.read_bytes() for each in path.rglob("*") if each.is_file()}


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


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that each test copies before it breaks it."""
    path = tmp_path_factory.mktemp("trained")
    settings = small(max_sequences=20, evaluate_sequences=4, optimizer=AdamSettings(average=0.9))
    train(settings, run_dir=path, progress=False)
    return path


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


def test_a_run_of_an_older_version_is_named_with_what_converts_it(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("task: copy\nmodel: lstm\n")
    with pytest.raises(ValueError, match=r"config\.yaml: format must be 2; .* neuraltape\.runs\.convert PATH$"):
        resume(tmp_path, progress=False)
    # To overwrite it needs no reading.
    assert train(small(max_sequences=4), run_dir=tmp_path, overwrite=True, progress=False).sequences == 4


def test_nothing_in_a_run_is_pickled(tmp_path: Path) -> None:
    train(small(max_sequences=20), run_dir=tmp_path, progress=False)
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {
        ".lock",
        "config.yaml",
        "metrics.jsonl",
        "checkpoint/state.safetensors",
        "model/config.json",
        "model/model.safetensors",
    }
    assert load_checkpoint(tmp_path / "checkpoint" / "state.safetensors").values["counters"]["step"] == 5


def test_torchruns_restart_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(small(max_sequences=60), run_dir=tmp_path, progress=False)
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert train(small(max_sequences=60), run_dir=tmp_path, progress=False).sequences == 60
    with pytest.raises(RunExistsError):
        train(small(max_sequences=80), run_dir=tmp_path, progress=False)


def test_a_machine_that_cannot_run_here_leaves_no_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere:
        @property
        def backend(self) -> str:
            raise RuntimeError("backend is cpu, and there is none here")

    monkeypatch.setattr("neuraltape.training.checks.build_machine", lambda settings: Elsewhere())
    with pytest.raises(ValueError, match="backend is cpu, and there is none here"):
        train(small(), run_dir=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_torchrun_that_starts_a_training_again_goes_on_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = small(max_sequences=4)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "first")
    monkeypatch.setattr("neuraltape.training.start.make_fabric", lambda loop: Fabric(accelerator="cpu", devices=1))
    assert not restarted(config, tmp_path)
    train(config, run_dir=tmp_path, progress=False)
    # This computer's part was not counted: another one's failed.
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "0")
    assert restarted(config, tmp_path)
    assert restarted(config, tmp_path, overwrite=True)
    assert not restarted(small(max_sequences=8), tmp_path)
    # Another torchrun of the same name may go on, but overwrites if it is told to.
    monkeypatch.setattr("os.getppid", lambda: 1)
    assert restarted(config, tmp_path)
    assert not restarted(config, tmp_path, overwrite=True)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "second")
    assert not restarted(config, tmp_path)
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert restarted(config, tmp_path, overwrite=True)
