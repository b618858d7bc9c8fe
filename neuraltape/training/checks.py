"""What must hold before a training writes anything: the machine runs here, and a checkpoint fits the settings."""

from collections.abc import Iterable
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

import torch

from neuraltape.runs.checkpoint import Checkpoint
from neuraltape.settings import Settings
from neuraltape.settings.differences import differences
from neuraltape.training.counters import Counters
from neuraltape.training.guard import first_bad
from neuraltape.training.keeper import tensorboard_writer
from neuraltape.training.learner import build_machine
from neuraltape.training.optimizers import state_names
from neuraltape.training.phases import stages_of
from neuraltape.training.streams import generator_at

# What may change in the middle of a training: how long, how often and where, not what is learned.
MAY_CHANGE = (
    *("max_sequences", "patience", "stop_when_solved", "report_every", "checkpoint_every", "tensorboard"),
    *("accelerator", "devices", "num_nodes", "timeout", "backend", "data_dir"),
)
# So many names are said of a long list.
SAID = 3


def check_runs_here(settings: Settings) -> None:
    """Raise ValueError if something that a training needs isn't here, before a run directory is made or changed.

    A batch and a memory for it are made too: what is too large is said before an old run has been cleared away.
    """
    task = settings.task
    task.prepare()
    if (
        settings.practice.curriculum == "growing"
        and task.shortest == task.longest
        and task.grown(1 / task.stages) == task
    ):
        raise ValueError(f"curriculum growing has no effect where all sequences are {task.label} {task.length_name}")
    if settings.practice.curriculum == "doubling":
        if not task.grows_lengths:
            raise ValueError(f"curriculum doubling needs a task whose lengths grow; {task.name} grows in another way")
        first = settings.practice.grow_from
        if not task.shortest <= first < task.longest:
            raise ValueError(
                f"grow_from must be at least {task.shortest} and below {task.longest}, the shortest and the longest of "
                f"{task.length_name}; got {first}"
            )
    if settings.loop.patience and task.kept_rows(1) is None:
        raise ValueError(f"patience needs sequences that are kept for validation; {task.name} keeps none here")
    try:
        with torch.random.fork_rng([]):
            machine = build_machine(settings).to(precise(settings))
        _ = getattr(machine, "backend", None)
        batch = task.sample(settings.loop.batch_size, generator_at(settings.loop.seed, "training", 0))
        machine.initial_state(len(batch.lengths))
    except (RuntimeError, MemoryError) as error:
        raise ValueError(f"this training cannot run here: {error}") from error
    if settings.loop.tensorboard:
        tensorboard_writer()


def check_checkpoint(path: Path, checkpoint: Checkpoint, settings: Settings) -> None:
    """Raise ValueError, in one line, unless a training with these settings can go on from the checkpoint.

    Args:
        path: the checkpoint's file, for the message.
        checkpoint: what is in it.
        settings: what the training would go on with.
    """
    values = checkpoint.values
    _compare(path, values, ("counters", "settings"))
    for name in ("counters", "settings"):
        if not isinstance(values[name], dict):
            raise ValueError(f"{path} does not fit this training: {name} must be a mapping; got {values[name]!r}")
    _compare(path, values["counters"], get_type_hints(Counters), of="counters: ")
    changed = differences(values["settings"], settings, apart_from=MAY_CHANGE)
    if changed:
        raise ValueError(
            f"settings cannot change in the middle of a training, and {'; '.join(changed)} since the checkpoint "
            f"{path}; put them back, or train anew"
        )
    expected = expected_tensors(settings)
    if settings.loop.rewind and values["counters"]["lowest"] is not None:
        expected |= {f"kept.{name}": each for name, each in expected.items() if not name.startswith("random.")}
    if "random.cuda" in checkpoint.tensors:
        expected["random.cuda"] = ((16,), torch.uint8)
    _compare(path, checkpoint.tensors, expected)
    for name, (shape, dtype) in expected.items():
        tensor = checkpoint.tensors[name]
        if (tensor.shape, tensor.dtype) != (shape, dtype):
            raise ValueError(
                f"{path} is of another machine: {name} must be {shape} of {dtype}; got {tuple(tensor.shape)} of "
                f"{tensor.dtype}"
            )
    bad = first_bad((name, each) for name, each in checkpoint.tensors.items() if each.is_floating_point())
    if bad is not None:
        raise ValueError(f"{path} cannot be gone on from: {bad} is not finite")
    _check_counters(path, values["counters"], settings)
    _check_budget(Counters(**values["counters"]), settings, values["settings"].get("max_sequences"))


def precise(settings: Settings) -> torch.dtype:
    """The precision of a training's weights."""
    return torch.float64 if settings.loop.precision == "64-true" else torch.float32


def expected_tensors(settings: Settings) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    """Shape and dtype of every tensor in a checkpoint with these settings, apart from another device's random state."""
    with torch.random.fork_rng([]):
        machine = build_machine(settings).to(precise(settings))
    weights = ((sum(each.numel() for each in machine.parameters()),), precise(settings))
    expected = {f"model.{name}": (tuple(each.shape), each.dtype) for name, each in machine.state_dict().items()}
    for name in state_names(settings.optimizer):
        # Adam counts its steps in a number.
        expected[f"optimizer.0.{name}"] = ((), torch.float32) if name == "step" else weights
    if settings.optimizer.average:
        expected["average.weights"] = weights
    expected["clipping.usual"] = ((), torch.float64)
    expected["random.cpu"] = (tuple(torch.get_rng_state().shape), torch.uint8)
    return expected


def _check_counters(path: Path, values: dict[str, Any], settings: Settings) -> None:
    """Raise ValueError unless every counter has its type and lies where a training with these settings can be."""
    for name, hint in get_type_hints(Counters).items():
        value = values[name]
        allowed = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        if type(value) is int:
            fits = value >= 0 and (int in allowed or float in allowed)
        elif isinstance(value, list):
            fits = list[float] in allowed and all(type(each) in (int, float) for each in value)
        else:
            fits = type(value) in allowed
        if not fits:
            kind = " or ".join(
                "None" if each is NoneType else str(each) if get_args(each) else each.__name__ for each in allowed
            )
            raise ValueError(f"{path} does not fit this training: counters: {name} must be {kind}; got {value!r}")
    done, step = values["sequences"], values["step"]
    most = {
        "began": step,
        "solved_at": done,
        "cooling_since": done,
        "waiting_since": done,
        "stage": stages_of(settings),
    }
    for name, bound in most.items():
        if (values[name] or 0) > bound:
            raise ValueError(
                f"{path} does not fit this training: counters: {name} must be at most {bound}; got {values[name]}"
            )
    if done != step * settings.loop.batch_size or values["stage"] < 1:
        raise ValueError(
            f"{path} does not fit this training: counters: step {step}, sequences {done} and stage {values['stage']} "
            f"do not belong together at batch_size {settings.loop.batch_size}"
        )


def _check_budget(counters: Counters, settings: Settings, before: object) -> None:
    """Raise ValueError where the budget is spent already, but for a training that has ended with this very budget."""
    budget = settings.loop.max_sequences
    if counters.sequences >= budget and (budget != before or counters.bits is None):
        raise ValueError(
            f"max_sequences must be above what has been trained on already, {counters.sequences}; got {budget}"
        )
    if counters.solved_at is not None and (counters.bits is None or counters.wrong is None):
        raise ValueError("the checkpoint says that the task is solved, and holds no score; train anew")


def _compare(path: Path, came: Iterable[str], expected: Iterable[str], *, of: str = "") -> None:
    came, expected = set(came), set(expected)
    for what, names in (("lacks", expected - came), ("holds unknown", came - expected)):
        if names:
            some = ", ".join(sorted(names)[:SAID]) + (f" and {len(names) - SAID} more" if len(names) > SAID else "")
            raise ValueError(f"{path} does not fit this training: it {what} {of}{some}")
