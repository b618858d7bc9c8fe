"""Trainings that take a second or two."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from neuraltape.runs.checkpoint import load_checkpoint
from neuraltape.runs.metrics import TIME_FIELDS, read_metrics
from neuraltape.settings import LoopConfig, ModelConfig, OptimizerConfig, TrainConfig
from neuraltape.tasks import Copy

LSTM = ModelConfig(model="lstm", hidden_size=8)
NTM = ModelConfig(hidden_size=8, memory_slots=5, memory_width=4)
LOOP = LoopConfig(
    batch_size=4, max_sequences=240, report_every=60, evaluate_every=100, evaluate_sequences=20, checkpoint_every=3600
)


def small(*, model: ModelConfig = LSTM, optimizer: OptimizerConfig | None = None, **loop: Any) -> TrainConfig:
    """60 steps of a small machine on short sequences; `loop` changes fields of the loop's configuration."""
    task = Copy(max_length=3, bits=2)
    return TrainConfig(task, model, optimizer or OptimizerConfig(), replace(LOOP, **loop))


def assert_same_end(one: Path, other: Path) -> None:
    """Two run directories hold bit-identical checkpoints and models and, times apart, the same lines of metrics."""
    first, second = (load_checkpoint(path / "checkpoint" / "state.safetensors") for path in (one, other))
    assert first.tensors.keys() == second.tensors.keys()
    for name, tensor in first.tensors.items():
        assert torch.equal(tensor, second.tensors[name]), name
    assert timeless(first.values["counters"]) == timeless(second.values["counters"])
    assert first.values["curriculum"] == second.values["curriculum"]
    assert lines(one) == lines(other)
    files = [path / "model" / "model.safetensors" for path in (one, other)]
    assert files[0].read_bytes() == files[1].read_bytes()


def lines(path: Path) -> list[dict[str, Any]]:
    """A run's lines of metrics, without times."""
    return [timeless(line) for line in read_metrics(path / "metrics.jsonl").lines]


def timeless(values: dict[str, Any]) -> dict[str, Any]:
    """Without the fields that are times."""
    return {name: each for name, each in values.items() if name not in (*TIME_FIELDS, "window_seconds")}
