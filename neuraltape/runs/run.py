"""A run directory opened for looking at. Nothing in it is executed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch.nn.utils import vector_to_parameters

from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.runs.checkpoint import load_last_checkpoint
from neuraltape.runs.directory import CONFIG, RunDirectory
from neuraltape.runs.metrics import Metrics, read_metrics
from neuraltape.settings import Settings
from neuraltape.tasks.task import Task


@dataclass(frozen=True)
class Run:
    """One training: what was asked, what came of it. `machine, task = load_run(path)` takes what most need."""

    path: Path
    """The run directory."""
    settings: Settings
    """What it was asked to do."""
    model: SequenceModel
    """The machine that is kept, on the CPU: the best on rows that are kept from training, where there are some, or that
    of the last checkpoint; the average of its weights where the training kept one."""
    metrics: Metrics
    """What it wrote about itself."""

    @property
    def task(self) -> Task:
        """What it was trained on."""
        return self.settings.task

    def __iter__(self) -> Iterator[Any]:
        return iter((self.model, self.task))


def load_run(run_dir: str | Path, *, last: bool = False) -> Run:
    """Open a run directory; the training in it may still be going on.

    Args:
        run_dir: the folder.
        last: the machine of the last checkpoint, also where another one was better.

    Raises:
        FileNotFoundError: there is no run, or it has no checkpoint yet.
        ValueError: a file in it is broken.
    """
    directory = RunDirectory(run_dir)
    if not directory.holds_run():
        raise FileNotFoundError(f"{run_dir} holds no run (there is no {CONFIG})")
    if not directory.has_model():
        raise FileNotFoundError(f"{run_dir} has no model yet: its training hasn't made a checkpoint")
    settings = Settings.load(directory.config)
    model = settings.kind.machine.from_pretrained(directory.model)
    if last:
        _put_last(model, directory)
    metrics = read_metrics(directory.metrics) if directory.metrics.exists() else Metrics()
    return Run(directory.path, settings, model, metrics)


def _put_last(model: SequenceModel, directory: RunDirectory) -> None:
    """Put in the weights of the last checkpoint, or their average. Raises what `load_run` raises."""
    found = load_last_checkpoint(directory)
    if found is None:
        raise FileNotFoundError(f"{directory.path} has no checkpoint yet")
    path, checkpoint = found
    try:
        model.load_state_dict(checkpoint.part("model"))
        if (average := checkpoint.part("average").get("weights")) is not None:
            vector_to_parameters(average, model.parameters())
    except RuntimeError as error:
        raise ValueError(f"{path} does not fit {directory.model}: {' '.join(str(error).split())}") from error
