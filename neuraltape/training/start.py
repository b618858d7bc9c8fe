"""The two ways into a training: `train` begins one, `resume` goes on with one."""

import os
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch

from neuraltape.files import replace as replace_file
from neuraltape.files import write_atomically
from neuraltape.runs.checkpoint import Checkpoint, load_last_checkpoint
from neuraltape.runs.directory import RunDirectory
from neuraltape.runs.metrics import read_metrics
from neuraltape.settings import Settings
from neuraltape.settings.fields import CONTENTS
from neuraltape.training.checks import check_checkpoint, check_runs_here
from neuraltape.training.guard import NonFiniteError
from neuraltape.training.keeper import Keeper, Reports
from neuraltape.training.loop import Loop, TrainResult
from neuraltape.training.processes import (
    Interrupted,
    ProcessLostError,
    is_connection_error,
    launch,
    lost_in_words,
    make_fabric,
    torchrun_in_words,
)
from neuraltape.training.progress import make_progress

if TYPE_CHECKING:
    # Slow to import; a program that only looks at a run doesn't need it.
    from lightning_fabric import Fabric


class Order(NamedTuple):
    """What every process is told to do."""

    settings: Settings
    path: Path
    going_on: bool
    overwrite: bool
    progress: bool


class Outcome:
    """What comes back from the first process: a result, or an error that its caller should see as it is.

    Not a tuple or a dataclass: Fabric would look for tensors inside of those, and refuses frozen ones.
    """

    def __init__(self, result: TrainResult | None, error: BaseException | None) -> None:
        self.result, self.error = result, error


def train(settings: Settings, *, run_dir: str | Path, overwrite: bool = False, progress: bool = True) -> TrainResult:
    """Train a machine on a task.

    Args:
        settings: what, on what, how, how long.
        run_dir: the run directory to make.
        overwrite: whether a run that it holds may be removed.
        progress: whether to show how far the training is, on standard error.

    Raises:
        RunExistsError: the directory is in use, or holds a run or other files.
        Interrupted: Ctrl-C or SIGTERM; a checkpoint has been made, and `resume` goes on.
        NonFiniteError: a loss, gradient or weight was not finite; its batch is kept, and so is the last checkpoint.
        ProcessLostError: another process of the training was lost.
        ValueError: settings that cannot run here.
    """
    # What the task finds in its files is kept with the run: new files are then read alike.
    settings = settings.resolved()
    going_on = restarted(settings, Path(run_dir), overwrite=overwrite)
    return _launch(Order(settings, Path(run_dir), going_on, overwrite, progress))


def resume(
    run_dir: str | Path, *, max_sequences: int | None = None, devices: int | None = None, progress: bool = True
) -> TrainResult:
    """Go on with a training where its last checkpoint left it; on the CPU the end is what it would have been anyway.

    A run that has ended returns its result at once.

    Args:
        run_dir: the run directory.
        max_sequences: another budget. A learning-rate schedule then follows that one.
        devices: another number of processes on each machine.
        progress: whether to show how far the training is, on standard error.

    Raises:
        FileNotFoundError: there is no run.
        ValueError: its files are broken, its checkpoints gone or its settings changed, which is found before anything
            is written; or it cannot run here.
        RunExistsError, Interrupted, NonFiniteError, ProcessLostError: see `train`.
    """
    directory = RunDirectory(run_dir)
    if not directory.holds_run():
        raise FileNotFoundError(f"{run_dir} holds no run")
    settings = Settings.load(directory.config)
    changes = {"max_sequences": max_sequences, "devices": devices}
    loop = replace(settings.loop, **{name: value for name, value in changes.items() if value is not None})
    return _launch(Order(replace(settings, loop=loop), directory.path, True, False, progress))


def restarted(settings: Settings, path: Path, *, overwrite: bool = False) -> bool:
    """Whether torchrun has started this training again after a failure, so that it has to go on.

    torchrun counts restarts on each computer by itself, and not those that it makes because another one has failed; so
    a run also remembers which torchrun began it.
    """
    if not {"TORCHELASTIC_RESTART_COUNT", "TORCHELASTIC_RUN_ID"} & os.environ.keys():
        return False
    directory = RunDirectory(path)
    if not directory.holds_run() or Settings.load(directory.config).flat() != settings.flat():
        return False
    if int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0:
        return True
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return False
    began = directory.torchrun.read_text(encoding="utf-8") if directory.torchrun.exists() else ""
    now = torchrun_in_words()
    # The same name may be used again for a new start, which an overwriting one is unless its very parent began the run.
    return began == now if overwrite else began.split("\n")[0] == now.split("\n")[0]


def _launch(order: Order) -> TrainResult:
    try:
        loop = order.settings.loop
        outcome: Outcome = launch(make_fabric(loop), partial(_work, order=order), timeout=loop.timeout)
    except ProcessLostError as error:
        raise ProcessLostError(f"{error}; go on with: neuraltape resume {order.path}") from error
    if outcome.error is not None:
        raise outcome.error
    assert outcome.result is not None
    return outcome.result


def _work(fabric: "Fabric", order: Order) -> Outcome:
    """One process's part."""
    directory = RunDirectory(order.path)
    try:
        checkpoint = _begin(fabric, order, directory)
        # PyTorch's generator draws the first weights; whoever called gets theirs back as it was.
        on_gpu = [fabric.device.index or 0] if fabric.device.type == "cuda" else []
        with torch.random.fork_rng(on_gpu):
            torch.manual_seed(order.settings.loop.seed)
            return Outcome(_run(fabric, order, directory, checkpoint), None)
    except (Interrupted, NonFiniteError, ValueError, OSError) as error:
        return Outcome(None, error)
    except RuntimeError as error:
        if fabric.world_size == 1 or not is_connection_error(error):
            raise
        lost = ProcessLostError(
            f"{lost_in_words(order.settings.loop.timeout)}; go on with: neuraltape resume {order.path}"
        )
        lost.__cause__ = error
        # Returned: where this process is not the one that failed, the reason comes from the one that did.
        return Outcome(None, lost)
    finally:
        directory.release()
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def _begin(fabric: "Fabric", order: Order, directory: RunDirectory) -> Checkpoint | None:
    """The first process makes or locks the directory; all of them get its checkpoint, or its error."""
    if fabric.world_size > 1:
        check_same_data(fabric, order.settings)
    answer: Checkpoint | BaseException | None = None
    if fabric.is_global_zero:
        try:
            answer = _open(order, directory)
        except (ValueError, OSError) as error:
            answer = error
    if fabric.world_size > 1:
        answer = fabric.broadcast(answer)
    if isinstance(answer, BaseException):
        raise answer
    return answer


def check_same_data(fabric: "Fabric", settings: Settings) -> None:
    """Raise ValueError, in every process, where the files of one, on another computer, hold something else."""
    contents = settings.flat().get(CONTENTS)
    mine = torch.frombuffer(bytearray(sha256(repr(contents).encode()).digest()[:8]), dtype=torch.int64)
    mine = mine.to(fabric.device)
    ends = [torch.as_tensor(fabric.all_reduce(mine.clone(), reduce_op=end)) for end in ("min", "max")]
    if not torch.equal(*ends):
        raise ValueError(f"data must be the same on all computers; the contents of the files here are {contents}")


def _open(order: Order, directory: RunDirectory) -> Checkpoint | None:
    check_runs_here(order.settings)
    if not order.going_on:
        directory.create(overwrite=order.overwrite)
        if "TORCHELASTIC_RUN_ID" in os.environ:
            write_atomically(directory.torchrun, torchrun_in_words().encode())
        write_atomically(directory.config, order.settings.to_yaml().encode())
        return None
    directory.lock()
    found = load_last_checkpoint(directory)
    if found is None:
        _check_new(directory, order.settings.loop.batch_size)
    else:
        check_checkpoint(*found, order.settings)
        # A broken one must not take the place of the one before it.
        if found[0] != directory.checkpoint:
            replace_file(found[0], directory.checkpoint)
    if Settings.load(directory.config).flat() != order.settings.flat():
        write_atomically(directory.config, order.settings.to_yaml().encode())
    return None if found is None else found[1]


def _check_new(directory: RunDirectory, batch_size: int) -> None:
    """Raise ValueError where a run without a checkpoint has had one: to begin anew would lose what stands there."""
    lines = read_metrics(directory.metrics).lines if os.path.lexists(directory.metrics) else ()
    steps = lines[-1]["step"] if lines else 0
    # The first checkpoint follows the first step, which may keep weights of moments within it, and after its
    # evaluation a machine. What is kept of later moments has come after a checkpoint.
    evaluated = any(line["kind"] == "evaluation" for line in lines)
    late = any(sequences > batch_size for sequences in directory.snapshots())
    if steps > 1 or late or (directory.has_model() and not evaluated):
        trained = f"has trained for {steps:,} steps" if steps > 1 else "has kept a machine"
        raise ValueError(
            f"{directory.path} {trained}, and both of its checkpoints are gone "
            f"({directory.checkpoint}); to train anew: neuraltape train --config {directory.config} "
            f"--run-dir {directory.path} --overwrite"
        )


def _run(fabric: "Fabric", order: Order, directory: RunDirectory, checkpoint: Checkpoint | None) -> TrainResult:
    settings, loop = order.settings, order.settings.loop
    step, sequences = None, 0
    if checkpoint is not None:
        step, sequences = (checkpoint.values["counters"][name] for name in ("step", "sequences"))
    reports = None
    if fabric.is_global_zero:
        reports = Reports(directory, step or 0, sequences, tensorboard=loop.tensorboard)
    wanted = order.progress and fabric.is_global_zero
    shown = make_progress(settings.task.name, loop.max_sequences, settings.task.score_name, wanted=wanted)
    try:
        keeper = Keeper(directory, loop.checkpoint_every, reports=reports, step=step)
        work = Loop(settings, fabric, keeper, shown)
        if checkpoint is not None:
            work.restore(checkpoint)
        return work.run()
    finally:
        shown.close()
        if reports is not None:
            reports.close()
