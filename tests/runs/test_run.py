import os
import sys
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


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes among its files")
@pytest.mark.parametrize("name", ["metrics.jsonl", "model/model.safetensors", "model/config.json", "config.yaml"])
def test_a_pipe_in_place_of_a_file_is_named_and_not_waited_for(tmp_path: Path, name: str) -> None:
    settings = small(model=SMALL_NTM)
    settings.save(tmp_path / "config.yaml")
    settings.kind.build(settings.model, settings.task.input_size, settings.task.output_size).save_pretrained(
        tmp_path / "model"
    )
    assert isinstance(load_run(tmp_path).model, NTM)
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    with pytest.raises((ValueError, FileNotFoundError), match=r"not a file|no config|no model|holds no run"):
        load_run(tmp_path)
