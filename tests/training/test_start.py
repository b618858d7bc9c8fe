import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from lightning_fabric import Fabric

from neuraltape.runs import RunExistsError, load_run
from neuraltape.runs.checkpoint import load_checkpoint
from neuraltape.runs.directory import RunDirectory
from neuraltape.runs.metrics import read_metrics
from neuraltape.settings import OptimizerConfig, TrainConfig
from neuraltape.training import resume, train
from neuraltape.training.start import restarted

from .small import LSTM, NTM, assert_same_end, lines, small

# As much as a checkpoint can hold: momenta, an average, a warm-up, a curriculum in its middle.
FULL = small(
    optimizer=OptimizerConfig(average=0.9, warmup_steps=10, schedule="cosine"),
    curriculum="growing",
    checkpoint_every=0.0,
)


def test_the_configuration_repeats_the_run(tmp_path: Path) -> None:
    train(FULL, run_dir=tmp_path / "one", progress=False)
    train(TrainConfig.load(tmp_path / "one" / "config.yaml"), run_dir=tmp_path / "other", progress=False)
    assert_same_end(tmp_path / "one", tmp_path / "other")


def test_another_seed_is_another_run(tmp_path: Path) -> None:
    for seed in (0, 1):
        train(small(seed=seed, max_sequences=60), run_dir=tmp_path / str(seed), progress=False)
    assert lines(tmp_path / "0") != lines(tmp_path / "1")


class Killed(BaseException):
    """Nothing catches it: the process might as well be gone."""


@pytest.mark.parametrize(
    ("call", "optimizer", "model"), [("fsync", "adam", NTM), ("replace", "rmsprop", LSTM)], ids=["fsync", "replace"]
)
def test_a_death_at_any_write_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, optimizer: str, model: object
) -> None:
    config = replace(FULL, optimizer=replace(FULL.optimizer, optimizer=optimizer), model=model)  # type: ignore[arg-type]
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


def test_a_larger_budget_goes_on_from_the_end(tmp_path: Path) -> None:
    train(small(max_sequences=200), run_dir=tmp_path / "one", progress=False)
    result = resume(tmp_path / "one", max_sequences=240, progress=False)
    train(small(max_sequences=240), run_dir=tmp_path / "other", progress=False)
    assert result.sequences == 240
    assert TrainConfig.load(tmp_path / "one" / "config.yaml").loop.max_sequences == 240
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


def test_a_machine_that_cannot_run_here_leaves_no_directory(tmp_path: Path) -> None:
    config = replace(small(), model=replace(NTM, backend="triton"))
    with pytest.raises(ValueError, match=r"backend must be 'auto' or one of .*; got 'triton'"):
        train(config, run_dir=tmp_path / "run", progress=False)
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
