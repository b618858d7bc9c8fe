from pathlib import Path

import pytest
import torch

from neuraltape.nn import NTM
from neuraltape.runs import load_run
from neuraltape.runs.checkpoint import load_checkpoint
from neuraltape.settings import AdamSettings
from neuraltape.training import train
from tests.training.small import NTM as SMALL_NTM
from tests.training.small import small


def test_a_run_opens_as_it_was_trained(tmp_path: Path) -> None:
    config = small(model=SMALL_NTM, max_sequences=40)
    result = train(config, run_dir=tmp_path / "run", progress=False)
    run = load_run(tmp_path / "run")
    assert run.settings == config
    assert run.task == config.task
    machine, task = run
    assert (machine, task) == (run.model, config.task)
    assert isinstance(run.model, NTM)
    weights = load_checkpoint(tmp_path / "run" / "checkpoint" / "state.safetensors").part("model")
    assert all(torch.equal(each, weights[name]) for name, each in run.model.state_dict().items())
    assert run.metrics.lines[-1]["bits"] == result.bits
    assert [line["kind"] for line in run.metrics.lines] == ["training", "evaluation"]
    assert {path.name for path in run.path.iterdir()} == {
        ".lock",
        "config.yaml",
        "metrics.jsonl",
        "checkpoint",
        "model",
    }


def test_the_kept_model_is_the_average(tmp_path: Path) -> None:
    config = small(optimizer=AdamSettings(average=0.99), max_sequences=40)
    train(config, run_dir=tmp_path, progress=False)
    checkpoint = load_checkpoint(tmp_path / "checkpoint" / "state.safetensors")
    kept = torch.cat([each.flatten() for each in load_run(tmp_path).model.parameters()])
    raw = torch.cat([each.flatten() for each in checkpoint.part("model").values()])
    assert torch.equal(kept, checkpoint.tensors["average.weights"])
    assert not torch.equal(kept, raw)


def test_a_folder_without_a_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no run"):
        load_run(tmp_path)
    small().save(tmp_path / "config.yaml")
    with pytest.raises(FileNotFoundError, match="no model yet"):
        load_run(tmp_path)
