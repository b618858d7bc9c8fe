"""Trainings that take a second or two."""

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from neuraltape.nn import LSTMConfig, NTMConfig
from neuraltape.runs.checkpoint import load_checkpoint
from neuraltape.runs.metrics import TIME_FIELDS, Kind, read_metrics
from neuraltape.settings import AdamSettings, CooldownSettings, LoopSettings, PracticeSettings, Settings
from neuraltape.settings.fields import field_names
from neuraltape.settings.optimizer import OptimizerSettings
from neuraltape.tasks import Copy
from neuraltape.tasks.task import Task
from neuraltape.training import loop as loop_module
from neuraltape.training.counters import Counters

LSTM = LSTMConfig(hidden_size=8)
NTM = NTMConfig(hidden_size=8, memory_slots=5, memory_width=4)
LOOP = LoopSettings(
    batch_size=4, max_sequences=240, report_every=60, evaluate_every=100, evaluate_sequences=20, checkpoint_every=3600
)


def small(
    *, model: Any = LSTM, optimizer: OptimizerSettings | None = None, task: Task | None = None, **others: Any
) -> Settings:
    """60 steps of a small machine on short sequences; `others` are fields of practice, cool-down and loop."""
    cooldown = {name.removeprefix("cooldown_"): others.pop(name) for name in list(others) if name.startswith("cool")}
    practice = {name: others.pop(name) for name in field_names(PracticeSettings) if name in others}
    return Settings(
        task or Copy(max_length=3, bits=2),
        model,
        optimizer or AdamSettings(),
        PracticeSettings(**practice),
        CooldownSettings(**cooldown),
        replace(LOOP, **others),
    )


def assert_same_end(one: Path, other: Path) -> None:
    """Two run directories hold bit-identical checkpoints and models and, times apart, the same lines of metrics."""
    first, second = (load_checkpoint(path / "checkpoint" / "state.safetensors") for path in (one, other))
    assert first.tensors.keys() == second.tensors.keys()
    for name, tensor in first.tensors.items():
        assert torch.equal(tensor, second.tensors[name]), name
    assert timeless(first.values["counters"]) == timeless(second.values["counters"])
    assert lines(one) == lines(other)
    files = [path / "model" / "model.safetensors" for path in (one, other)]
    assert files[0].read_bytes() == files[1].read_bytes()


def lines(path: Path) -> list[dict[str, Any]]:
    """A run's lines of metrics, without times."""
    return [timeless(line) for line in read_metrics(path / "metrics.jsonl").lines]


def timeless(values: dict[str, Any]) -> dict[str, Any]:
    """Without the fields that are times."""
    return {name: each for name, each in values.items() if name not in (*TIME_FIELDS, "window_seconds")}


def files_of(path: Path) -> dict[Path, bytes]:
    """What every file in a folder holds."""
    return {each: each.read_bytes() for each in path.rglob("*") if each.is_file()}


def scripted(monkeypatch: pytest.MonkeyPatch, bits: dict[int, float]) -> None:
    """The next evaluations after these steps find such costs; all others find what there is."""
    real, left = loop_module.evaluate, dict(bits)

    def evaluate(*arguments: Any, stream: Kind, step: int) -> Any:
        result = real(*arguments, stream=stream, step=step)
        return result._replace(bits=left.pop(step)) if step in left else result

    monkeypatch.setattr(loop_module, "evaluate", evaluate)


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
