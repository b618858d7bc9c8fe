"""Plain Python readings of a batch, one row at a time, shared by the tests of the tasks. Nothing from the package."""

import math

import torch
from torch import Tensor


class Reader:
    """One sequence of a batch as nested lists, without its padding, which is checked to be empty."""

    def __init__(self, batch, row: int) -> None:
        self.length = int(batch.lengths[row])
        for tensor in (batch.inputs, batch.targets, batch.mask):
            assert not tensor[self.length :, row].any(), "padding must be zero and not scored"
        self.inputs = batch.inputs[: self.length, row].tolist()
        self.targets = batch.targets[: self.length, row].tolist()
        self.mask = batch.mask[: self.length, row].tolist()


def readers(batch) -> list[Reader]:
    """All sequences of a batch; checks what every batch must be."""
    time, size = batch.mask.shape
    assert batch.inputs.dtype == torch.float32
    assert batch.inputs.shape[:2] == batch.targets.shape[:2] == (time, size)
    assert batch.mask.dtype == torch.bool
    assert batch.lengths.dtype == torch.int64
    assert int(batch.lengths.max()) == time
    return [Reader(batch, row) for row in range(size)]


def check_bits(vector: list[float]) -> None:
    assert set(vector) <= {0.0, 1.0}


def bit_cost(logit: float, target: float) -> float:
    """Cross-entropy of one bit in nats."""
    probability = 1 / (1 + math.exp(-logit))
    return -math.log(probability if target == 1 else 1 - probability)


def check_uniform(draws: Tensor, low: int, high: int) -> None:
    """Every integer from low to high comes up as often as it should, within five standard deviations."""
    values = draws.tolist()
    choices = high - low + 1
    assert min(values) >= low
    assert max(values) <= high
    expected = len(values) / choices
    bound = 5 * math.sqrt(expected * (1 - 1 / choices))
    for value in range(low, high + 1):
        assert abs(values.count(value) - expected) <= bound, f"{value}: {values.count(value)} of {expected:.0f}"


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
