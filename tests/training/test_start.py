import json
import os
import random
import re
import shutil
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import pytest
import torch
import yaml
from lightning_fabric import Fabric
from torch import nn

from neuraltape.cli.main import main
from neuraltape.nn import SAMConfig
from neuraltape.runs import RunExistsError, load_run
from neuraltape.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from neuraltape.runs.directory import RunDirectory
from neuraltape.runs.metrics import MetricsFile, read_metrics
from neuraltape.settings import AdamSettings, RMSPropSettings, Settings
from neuraltape.settings.optimizer import OptimizerSettings
from neuraltape.tasks import TASKS, Copy, DataError, Goal, Text
from neuraltape.training import Interrupted, resume, start, train
from neuraltape.training.counters import Counters
from neuraltape.training.start import check_same_data, restarted

from .small import LSTM, NTM, StopAt, assert_same_end, files_of, lines, scripted, small

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


def test_a_sparse_memory_whose_lengths_double_goes_on_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam = SAMConfig(hidden_size=8, memory_slots=2**20, memory_width=4, read_heads=2, sparse_reads=3)
    # Each fifty steps are good enough, so the last of the stops lie in other stages than the first.
    practice = {"curriculum": "doubling", "grow_from": 2, "grow_below": 100.0}
    settings = small(task=Copy(max_length=8, bits=2), model=sam, max_sequences=480, evaluate_every=200, **practice)
    train(settings, run_dir=tmp_path / "whole", progress=False)
    stages = []
    for number, at in enumerate((20, 55, 103, None)):
        monkeypatch.setattr(start, "make_progress", lambda *a, at=at, **k: StopAt(at))
        with nullcontext() if at is None else pytest.raises(Interrupted):
            if number:
                resume(tmp_path / "torn")
            else:
                train(settings, run_dir=tmp_path / "torn")
        checkpoint = load_checkpoint(RunDirectory(tmp_path / "torn").checkpoint)
        stages.append(checkpoint.values["counters"]["stage"])
    assert stages == [1, 2, 3, 3]
    assert_same_end(tmp_path / "whole", tmp_path / "torn")


def test_a_text_whose_tokens_are_looked_up_goes_on_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("to be or not to be that is the question\n" * 20)
    settings = small(
        task=Text(str(tmp_path / "a.txt"), window=5, unit="words"),
        model=replace(LSTM, embedding_size=6),
        optimizer=AdamSettings(average=0.9, weight_decay=0.01),
        input_dropout=0.2,
        output_dropout=0.2,
        max_sequences=160,
        evaluate_every=40,
        patience=3,
    )
    train(settings, run_dir=tmp_path / "whole", progress=False)
    assert "to" in yaml.safe_load((tmp_path / "whole" / "config.yaml").read_text())["task"]["vocabulary"]
    for number, at in enumerate((3, 17, None)):
        monkeypatch.setattr(start, "make_progress", lambda *a, at=at, **k: StopAt(at))
        with nullcontext() if at is None else pytest.raises(Interrupted):
            train(settings, run_dir=tmp_path / "torn") if number == 0 else resume(tmp_path / "torn")
    assert_same_end(tmp_path / "whole", tmp_path / "torn")


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


def test_going_on_after_going_back_ends_as_if_nothing_had_been(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    optimizer = RMSPropSettings(learning_rate=0.01, average=0.3)
    settings = small(model=NTM, optimizer=optimizer, evaluate_every=40, rewind=0.5, rewind_rate=0.5)
    found = {10: 10.0, 20: 2.0, 30: 9.0, 40: 1.0, 50: 8.0, 60: 0.5}
    scripted(monkeypatch, found)
    train(settings, run_dir=tmp_path / "whole", progress=False)
    monkeypatch.undo()
    scripted(monkeypatch, found)
    steps = []
    # Before anything is kept, in the step that ends with going back, after it, and with other weights kept since.
    for number, at in enumerate((4, 29, 33, 44, None)):
        monkeypatch.setattr(start, "make_progress", lambda *a, at=at, **k: StopAt(at))
        with nullcontext() if at is None else pytest.raises(Interrupted):
            train(settings, run_dir=tmp_path / "parts") if number == 0 else resume(tmp_path / "parts")
        kept = load_checkpoint(RunDirectory(tmp_path / "parts").checkpoint)
        steps.append((kept.values["counters"]["step"], kept.values["counters"]["rewinds"], bool(kept.part("kept"))))
    assert steps == [(5, 0, False), (30, 1, True), (34, 1, True), (45, 1, True), (60, 2, True)]
    assert_same_end(tmp_path / "whole", tmp_path / "parts")


def test_a_checkpoint_without_what_training_goes_back_to_is_refused(tmp_path: Path) -> None:
    train(small(rewind=0.5), run_dir=tmp_path, progress=False)
    path = RunDirectory(tmp_path).checkpoint
    whole = load_checkpoint(path)
    save_checkpoint(
        path, Checkpoint({k: v for k, v in whole.tensors.items() if k != "kept.clipping.usual"}, whole.values)
    )
    with pytest.raises(ValueError, match=r"does not fit this training: it lacks kept\.clipping\.usual$"):
        resume(tmp_path, max_sequences=400)


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
    (tmp_path / "early" / "metrics.jsonl").write_text('{"kind": "training", "step": 1, "sequences": 4}\n{"ki')
    resume(tmp_path / "early", progress=False)
    assert_same_end(tmp_path / "whole", tmp_path / "early")


def test_a_run_killed_in_its_first_step_begins_again_whatever_it_has_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("to be or not to be " * 8)
    task = Text(str(tmp_path / "a.txt"), window=4)
    often = {"batch_size": 256, "report_every": 256, "evaluate_every": 256, "max_sequences": 512}
    config = small(task=task, snapshots=True, **often)
    train(config, run_dir=tmp_path / "whole", progress=False)

    def die(*_: object, **__: object) -> None:
        raise Killed

    killed = RunDirectory(tmp_path / "killed")
    for place in ("loop.Loop.train_step", "keeper.save_checkpoint"):
        with monkeypatch.context() as patch:
            patch.setattr(f"neuraltape.training.{place}", die)
            with pytest.raises(Killed):
                train(config, run_dir=killed.path, overwrite=True, progress=False)
        assert list(killed.snapshots()) == ([0] if "loop" in place else [0, 250])
        assert killed.has_model() == ("keeper" in place)
        resume(killed.path, progress=False)
        assert_same_end(tmp_path / "whole", killed.path)
    # A moment of a later step has come after a checkpoint.
    for path in (killed.checkpoint.parent, killed.model):
        shutil.rmtree(path)
    killed.metrics.unlink()
    with pytest.raises(ValueError, match="has kept a machine, and both of its checkpoints are gone"):
        resume(killed.path, progress=False)


def test_a_training_does_not_go_on_with_other_data(tmp_path: Path) -> None:
    path, run = tmp_path / "a.txt", tmp_path / "run"
    path.write_text("to be or not to be " * 8)
    config = small(task=Text(str(path), window=4), max_sequences=60)
    train(config, run_dir=run, progress=False)
    path.write_text("to be or not to bee" * 8)
    before = files_of(run)
    with pytest.raises(DataError, match=r"a\.txt: it does not hold what the run has learned from \(152 bytes as then"):
        resume(run, max_sequences=80, progress=False)
    assert files_of(run) == before
    # One that was made when nobody looked goes on.
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(re.sub(r"  contents:\n  - .*\n", "", text))
    assert "contents" not in (run / "config.yaml").read_text()
    assert resume(run, max_sequences=80, progress=False).sequences == 80
    # So does one that is trained anew.
    with pytest.raises(DataError, match="was rewritten since it was read"):
        train(config, run_dir=run, overwrite=True, progress=False)
    config = replace(config, task=Text(str(path), window=4))
    assert train(config, run_dir=run, overwrite=True, progress=False).sequences == 60
    assert resume(run, max_sequences=80, progress=False).sequences == 80


def test_computers_with_different_data_do_not_train_together(tmp_path: Path) -> None:
    path, kept = tmp_path / "a.txt", []
    for text in ("to be or not to be", "to be or not to me"):
        path.write_text(text)
        kept.append(small(task=Text(str(path), window=4)).resolved())
    sent: list[torch.Tensor] = []

    class Pair:
        device = torch.device("cpu")

        def all_reduce(self, mine: torch.Tensor, *, reduce_op: str) -> torch.Tensor:
            sent.append(mine)
            return getattr(torch.stack(sent), reduce_op)()

    for first, second, same in ((0, 0, True), (0, 1, False), (1, 0, False)):
        sent.clear()
        check_same_data(Pair(), kept[first])  # type: ignore[arg-type]
        with nullcontext() if same else pytest.raises(ValueError, match="data must be the same on all computers; the"):
            check_same_data(Pair(), kept[second])  # type: ignore[arg-type]


@pytest.mark.parametrize("metrics", ["there", "gone"])
def test_a_run_that_has_lost_its_checkpoints_is_not_begun_anew_in_silence(tmp_path: Path, metrics: str) -> None:
    run = tmp_path / "run"
    train(small(max_sequences=60), run_dir=run, progress=False)
    shutil.rmtree(run / "checkpoint")
    trained = "trained for 15 steps"
    if metrics == "gone":
        # The machine, which is kept after the first checkpoint, tells as much.
        (run / "metrics.jsonl").unlink()
        trained = "kept a machine"
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match=f"has {trained}, and both of its checkpoints are gone") as said:
        resume(run, progress=False)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    # What it says to do instead does it.
    words = str(said.value).partition("to train anew: neuraltape ")[2].split()
    assert main([*words, "--max-sequences", "20"]) == 0
    assert resume(run, progress=False).sequences == 20


def test_the_first_checkpoint_comes_before_anything_is_said_of_a_later_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first: list[bool] = []
    append = MetricsFile.append

    def note(file: MetricsFile, values: dict[str, object]) -> None:
        first.append(values["step"] == 1 or RunDirectory(tmp_path).checkpoint.exists())
        append(file, values)

    monkeypatch.setattr(MetricsFile, "append", note)
    train(small(max_sequences=20, report_every=1), run_dir=tmp_path, progress=False)
    assert len(first) > 5
    assert all(first)


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


@pytest.mark.parametrize("checkpoint_every", [0.0, 3600.0])
def test_a_run_that_is_removed_while_it_is_trained_stops_and_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint_every: float
) -> None:
    class Removing(StopAt):
        def update(self, counters: Counters, bits: float) -> None:
            if counters.step == 12:
                shutil.rmtree(tmp_path / "run")

    monkeypatch.setattr(start, "make_progress", lambda *a, **k: Removing(None))
    # With rare checkpoints the next report notices it.
    with pytest.raises(FileNotFoundError, match="run was removed while this training ran; it stops"):
        train(small(checkpoint_every=checkpoint_every), run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


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
        "checkpoint/before.safetensors",
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
    class Elsewhere(nn.Module):
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
