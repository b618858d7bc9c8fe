"""What must hold before a training writes anything: the machine runs here, and a checkpoint fits the settings."""

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

import torch

from neuraltape.runs.checkpoint import Checkpoint
from neuraltape.settings import Settings
from neuraltape.settings.differences import differences
from neuraltape.training.counters import Counters
from neuraltape.training.learner import build_machine
from neuraltape.training.optimizers import state_names

# What may change in the middle of a training: how long, how often and where, not what is learned.
MAY_CHANGE = (
    *("max_sequences", "stop_when_solved", "report_every", "checkpoint_every", "tensorboard"),
    *("accelerator", "devices", "num_nodes", "timeout", "backend", "data_dir"),
)
# So many names are said of a long list.
SAID = 3


def check_runs_here(settings: Settings) -> None:
    """Raise ValueError if the machine can't be made, run or taught here, before a run directory is made for it."""
    settings.task.prepare()
    with torch.random.fork_rng([]):
        machine = build_machine(settings)
    try:
        _ = getattr(machine, "backend", None)
    except RuntimeError as error:
        raise ValueError(str(error)) from error


def check_checkpoint(path: Path, checkpoint: Checkpoint, settings: Settings) -> None:
    """Raise ValueError, in one line, unless a training with these settings can go on from the checkpoint.

    Args:
        path: the checkpoint's file, for the message.
        checkpoint: what is in it.
        settings: what the training would go on with.
    """
    values = checkpoint.values
    _compare(path, values, ("counters", "settings"))
    _compare(path, values["counters"], [each.name for each in fields(Counters)], of="counters: ")
    changed = differences(values["settings"], settings, apart_from=MAY_CHANGE)
    if changed:
        raise ValueError(
            f"settings cannot change in the middle of a training, and {'; '.join(changed)} since the checkpoint "
            f"{path}; put them back, or train anew"
        )
    with torch.random.fork_rng([]):
        shapes = {f"model.{name}": each.shape for name, each in build_machine(settings).state_dict().items()}
    names = [*shapes, "clipping.usual", "random.cpu"]
    names += [f"optimizer.0.{name}" for name in state_names(settings.optimizer)]
    names += ["average.weights"] if settings.optimizer.average else []
    _compare(path, checkpoint.tensors, names, optional=("random.cuda",))
    for name, shape in shapes.items():
        if checkpoint.tensors[name].shape != shape:
            came = tuple(checkpoint.tensors[name].shape)
            raise ValueError(f"{path} is of another machine: {name} must be {tuple(shape)}; got {came}")


def _compare(
    path: Path, came: Iterable[str], expected: Iterable[str], *, optional: Iterable[str] = (), of: str = ""
) -> None:
    came, expected = set(came), set(expected)
    for what, names in (("lacks", expected - came), ("holds unknown", came - expected - set(optional))):
        if names:
            some = ", ".join(sorted(names)[:SAID]) + (f" and {len(names) - SAID} more" if len(names) > SAID else "")
            raise ValueError(f"{path} does not fit this training: it {what} {of}{some}")
