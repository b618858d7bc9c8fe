"""A run directory opened for looking at. Nothing in it is executed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuraltape.nn import SequenceModel
from neuraltape.tasks.task import Task
from neuraltape.training.config import TrainConfig
from neuraltape.training.metrics import read_metrics
from neuraltape.training.models import MODELS
from neuraltape.training.run_directory import RunDirectory


@dataclass(frozen=True)
class Run:
    """One training: what was asked, what came of it."""

    path: Path
    """The run directory."""
    config: TrainConfig
    """Its configuration."""
    model: SequenceModel
    """The machine of the last checkpoint, on the CPU; the average of its weights where the training kept one."""
    metrics: list[dict[str, Any]]
    """The lines of `metrics.jsonl`."""

    @property
    def task(self) -> Task:
        """What it was trained on."""
        return self.config.task


def load_run(run_dir: str | Path) -> Run:
    """Open a run directory; the training in it may still be going on.

    Raises:
        FileNotFoundError: there is no run, or it has no checkpoint yet.
        ValueError: a file in it is broken.
    """
    directory = RunDirectory(run_dir)
    if not directory.holds_run():
        raise FileNotFoundError(f"{run_dir} holds no run (there is no {directory.config.name})")
    if not (directory.model / "model.safetensors").exists():
        raise FileNotFoundError(f"{run_dir} has no model yet: its training hasn't made a checkpoint")
    config = TrainConfig.load(directory.config)
    model = MODELS[config.model.model].from_pretrained(directory.model)
    metrics = read_metrics(directory.metrics) if directory.metrics.exists() else []
    return Run(directory.path, config, model, metrics)
