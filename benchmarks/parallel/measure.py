"""Measuring a training step and an exchange of gradients on this computer."""

import time
from dataclasses import replace
from typing import NamedTuple

import torch

from benchmarks.child import run_child
from benchmarks.parallel.network import Network, StepCost, fit
from benchmarks.size import LARGER, PAPER, Size
from benchmarks.torch_side import TorchSide, tape

MODELS = {"the paper's (hidden 100, memory 128 x 20)": PAPER, "larger (hidden 256, memory 256 x 64)": LARGER}
BATCHES = (1, 4, 16, 64)
EXCHANGED = (2, 1_000, 10_000, 100_000, 1_000_000)


class Measured(NamedTuple):
    """One model's training step."""

    parameters: int
    """Numbers that are trained."""
    seconds: dict[int, float]
    """Processor time of a step by batch size: the median."""
    cost: StepCost
    """The line through them."""


def measure_step(size: Size, rounds: int) -> Measured:
    """Processor time of a training step in one thread: what others do on this computer does not count."""
    torch.set_num_threads(1)
    taken: dict[int, list[float]] = {batch: [] for batch in BATCHES}
    sizes = {batch: replace(size, batch=batch) for batch in BATCHES}
    at = {batch: TorchSide(tape(each, backend="cpu"), each) for batch, each in sizes.items()}
    for side in at.values():
        side.train()
    for _ in range(rounds):
        for batch, side in at.items():
            begin = time.process_time()
            side.train()
            taken[batch].append(time.process_time() - begin)
    seconds = {batch: median(times) for batch, times in taken.items()}
    jitter = [each / seconds[batch] for batch, times in taken.items() for each in times if batch > 1]
    return Measured(at[1].flat.weights.numel(), seconds, fit(seconds, jitter))


def measure_exchange(rounds: int) -> dict[int, tuple[float, float]]:
    """Wall-clock seconds of an all-reduce between two processes over loopback: the fastest and the median, by size."""
    taken = run_child("benchmarks.parallel.exchange_program", rounds, *EXCHANGED)
    return {int(size): (min(times), median(times)) for size, times in taken.items()}


def loopback(exchange: dict[int, tuple[float, float]]) -> Network:
    """The network that these fastest times belong to: two processes send two messages each, of half the numbers."""
    (few, many), (quick, slow) = (
        (min(exchange), max(exchange)),
        (exchange[min(exchange)][0], exchange[max(exchange)][0]),
    )
    return Network("loopback, as measured", quick / 2, (many - few) * 4 / max(slow - quick, 1e-9))


def median(values: list[float]) -> float:
    """The middle one."""
    return sorted(values)[len(values) // 2]
