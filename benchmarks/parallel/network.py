"""What an exchange of gradients costs on a network, as a formula, and what many processes make of it, by simulation.

Gloo adds up gradients in a ring: each of n processes sends 2 (n - 1) messages of 1/n of the gradient to the next one
(Patarasu and Yuan 2009, "Bandwidth optimal all-reduce algorithms for clusters of workstations", section 3).
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

# A step reduces the gradient, and then its cost and whether anyone was asked to stop: two numbers.
SMALL_BYTES = 8
FLOAT_BYTES = 4


@dataclass(frozen=True)
class Network:
    """How processes reach each other."""

    name: str
    """For tables."""
    latency: float
    """Seconds that a message takes, however short it is."""
    bandwidth: float
    """Bytes a second between two processes."""

    def ring(self, processes: int, size: float) -> float:
        """Seconds of an all-reduce of `size` bytes."""
        return 2 * (processes - 1) * (self.latency + size / processes / self.bandwidth)

    def exchange(self, processes: int, parameters: int) -> float:
        """Seconds that a training step waits for the network."""
        return self.ring(processes, parameters * FLOAT_BYTES) + self.ring(processes, SMALL_BYTES)


@dataclass(frozen=True)
class StepCost:
    """What a training step costs one process."""

    fixed: float
    """Seconds, however few sequences."""
    sequence: float
    """Seconds a sequence, on top."""
    jitter: Sequence[float]
    """Measured steps, each in times of the median: how unevenly steps take."""

    def seconds(self, sequences: float) -> float:
        """A step with so many sequences."""
        return self.fixed + self.sequence * sequences


def fit(seconds: dict[int, float], jitter: Sequence[float]) -> StepCost:
    """The straight line through the smallest and the largest batch.

    Args:
        seconds: of a step, by batch size.
        jitter: see `StepCost`.
    """
    few, many = min(seconds), max(seconds)
    slope = (seconds[many] - seconds[few]) / (many - few)
    return StepCost(max(seconds[few] - slope * few, 0.0), slope, tuple(jitter))


@dataclass(frozen=True)
class Plan:
    """A training step divided over processes."""

    processes: int
    """How many."""
    parameters: int
    """Of the model."""
    share: float
    """Sequences a process."""
    alone: float
    """Sequences that one process would take alone: all, where the batch stays as it is; its share, where it grows."""


def efficiency(cost: StepCost, network: Network, plan: Plan) -> float:
    """Sequences a second, in times of what as many processes would do alone: all steps take equally long.

    E = (share / (T(share) + X)) / (alone / T(alone)), with X the exchange.
    """
    together = cost.seconds(plan.share) + network.exchange(plan.processes, plan.parameters)
    return plan.share / together * cost.seconds(plan.alone) / plan.alone


def simulate(cost: StepCost, network: Network, plan: Plan, *, steps: int, seed: int = 0) -> float:
    """The same with steps that take as unevenly as the measured ones: everyone waits for the slowest.

    Args:
        cost: of a step.
        network: between the processes.
        plan: who does what.
        steps: how many to simulate.
        seed: of the drawing.
    """
    chance, mean = random.Random(seed), sum(cost.jitter) / len(cost.jitter)
    slowest = sum(max(chance.choices(cost.jitter, k=plan.processes)) for _ in range(steps)) / steps
    together = cost.seconds(plan.share) * slowest + network.exchange(plan.processes, plan.parameters)
    return plan.share / together * cost.seconds(plan.alone) * mean / plan.alone
