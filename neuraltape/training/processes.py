"""The processes that a training runs in, and the signals that they get.

Starting, numbering and connecting processes is left to Fabric and PyTorch.
"""

import multiprocessing
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import torch
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from neuraltape.settings import LoopSettings
from neuraltape.training.meeting import meet

if TYPE_CHECKING:
    # Slow to import; a program that only looks at a run doesn't need it.
    from lightning_fabric import Fabric

T = TypeVar("T")
SIGNALS = (signal.SIGINT, signal.SIGTERM)
# A terminal's Ctrl-C can reach a process twice, directly and through its parent; a person takes longer.
SAME_SECONDS = 0.5


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM ended the training after a checkpoint. The message says how to go on."""


class ProcessLostError(RuntimeError):
    """Another process of the same training is gone or did not answer in time."""


def make_fabric(settings: LoopSettings) -> "Fabric":
    """Fabric for these settings. Under torchrun the number of processes is torchrun's.

    Raises:
        ValueError: a device that isn't there, or more processes than sequences in a batch.
    """
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
    from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
    from lightning_fabric.strategies.ddp import DDPStrategy

    devices, nodes = settings.devices, settings.num_nodes
    elastic = TorchElasticEnvironment.detect()
    if elastic:
        devices, nodes = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["GROUP_WORLD_SIZE"])
    if settings.batch_size < devices * nodes:
        raise ValueError(
            f"batch_size is summed over all processes and must be at least their number, {devices * nodes}; "
            f"got {settings.batch_size}"
        )
    accelerator = settings.accelerator
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    if accelerator == "cuda" and torch.cuda.device_count() < devices:
        raise ValueError(f"accelerator is cuda with {devices} device(s); {torch.cuda.device_count()} found")
    strategy: str | DDPStrategy = "auto"
    if elastic or devices * nodes > 1:
        outside = elastic or SLURMEnvironment.detect()
        strategy = DDPStrategy(
            start_method="popen" if outside else "spawn",
            timeout=timedelta(seconds=settings.timeout),
        )
    return Fabric(
        accelerator=accelerator, devices=devices, num_nodes=nodes, strategy=strategy, precision=settings.precision
    )


def launch(fabric: "Fabric", work: Callable[["Fabric"], T], *, timeout: float) -> T:
    """Run `work(fabric)` in every process of the training; returns what the first one returns.

    Args:
        fabric: what starts and numbers them.
        work: what each does.
        timeout: seconds for which processes that torchrun started wait for each other.

    Raises:
        ProcessLostError: a process ended that should not have, or has not come.
    """
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True" and not torch.distributed.is_initialized():
        try:
            meet("nccl" if fabric.device.type == "cuda" else "gloo", seconds=timeout)
        except RuntimeError as error:
            raise ProcessLostError(lost_in_words(timeout)) from error
    try:
        with signals_passed_on():
            return fabric.launch(work)
    except (ProcessExitedException, ProcessRaisedException) as error:
        raise ProcessLostError(f"a process of this training was lost: {str(error).strip()}") from error


@contextmanager
def signals_passed_on() -> Iterator[None]:
    """Hand Ctrl-C and SIGTERM to the processes that are started meanwhile, which end in good order by themselves."""
    others = multiprocessing.active_children()
    before: dict[signal.Signals, Any] = {}

    def pass_on(number: int, frame: FrameType | None) -> None:
        children = [child for child in multiprocessing.active_children() if child not in others]
        if not children:
            before_handler = before[signal.Signals(number)]
            if callable(before_handler):
                before_handler(number, frame)
            else:
                raise KeyboardInterrupt
        if sys.platform == "win32" and number == signal.SIGINT:
            # The console has told them already, and `os.kill` would end them past their handlers.
            return
        for child in children:
            if child.pid is not None:
                os.kill(child.pid, number)

    try:
        for number in SIGNALS:
            before[number] = signal.signal(number, pass_on)
    except ValueError:
        # Not the main thread: signals go elsewhere.
        before.clear()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class StopSignals:
    """Ctrl-C and SIGTERM as a question that the loop asks between two steps.

    While it is entered, a first signal is noted in `requested`; a second one interrupts at once.

    Only a program's main thread can listen to signals; in others this does nothing.
    """

    def __init__(self) -> None:
        self.requested = False
        self._first = 0.0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Listen."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        """Put back who listened before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested and time.monotonic() - self._first > SAME_SECONDS:
            raise KeyboardInterrupt
        if not self.requested:
            self.requested, self._first = True, time.monotonic()


def torchrun_in_words() -> str:
    """Which torchrun this process belongs to: its name, and where its part on this computer runs."""
    return f"{os.environ['TORCHELASTIC_RUN_ID']}\n{platform.node()} {os.getppid()}"


def lost_in_words(timeout: float) -> str:
    """What is said where another process is missing."""
    return f"another process of this training is gone, or did not answer within {timeout:g} s"


def is_connection_error(error: RuntimeError) -> bool:
    """Whether an error came from the connection to other processes."""
    text = str(error).lower()
    return isinstance(error, torch.distributed.DistError) or any(
        word in text for word in ("gloo", "nccl", "connection")
    )
