"""The processes that a training runs in. Starting, numbering and connecting them is left to Fabric and PyTorch."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from neuraltape.settings.loop_config import LoopConfig
from neuraltape.training.errors import ProcessLostError

if TYPE_CHECKING:
    # Slow to import; a program that only looks at a run doesn't need it.
    from lightning_fabric import Fabric

T = TypeVar("T")


def make_fabric(config: LoopConfig) -> "Fabric":
    """Fabric for this configuration. Under torchrun the number of processes is torchrun's.

    Raises:
        ValueError: a device that isn't there, or more processes than sequences in a batch.
    """
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
    from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
    from lightning_fabric.strategies.ddp import DDPStrategy

    devices, nodes = config.devices, config.num_nodes
    elastic = TorchElasticEnvironment.detect()
    if elastic:
        devices, nodes = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["GROUP_WORLD_SIZE"])
    if config.batch_size < devices * nodes:
        raise ValueError(
            f"batch_size is summed over all processes and must be at least their number, {devices * nodes}; "
            f"got {config.batch_size}"
        )
    accelerator = config.accelerator
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    if accelerator == "cuda" and torch.cuda.device_count() < devices:
        raise ValueError(f"accelerator is cuda with {devices} device(s); {torch.cuda.device_count()} found")
    strategy: str | DDPStrategy = "auto"
    if elastic or devices * nodes > 1:
        outside = elastic or SLURMEnvironment.detect()
        strategy = DDPStrategy(
            start_method="popen" if outside else "spawn",
            timeout=timedelta(seconds=config.timeout),
        )
    return Fabric(
        accelerator=accelerator, devices=devices, num_nodes=nodes, strategy=strategy, precision=config.precision
    )


def launch(fabric: "Fabric", work: Callable[["Fabric"], T]) -> T:
    """Run `work(fabric)` in every process of the training; returns what the first one returns.

    Raises:
        ProcessLostError: a process ended that should not have.
    """
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
        for child in children:
            if child.pid is not None:
                os.kill(child.pid, number)

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, pass_on)
    except ValueError:
        # Not the main thread: signals go elsewhere.
        before.clear()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
