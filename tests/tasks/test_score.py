import math

import numpy as np
import pytest
import torch

from neuraltape.tasks.score import (
    bit_costs,
    class_costs,
    square_costs,
    wrong_bits,
    wrong_classes,
    wrong_values,
)
from tests.tasks.oracle import bit_cost, seeded

TIME, BATCH, SIZE = 5, 3, 4


@pytest.fixture
def mask() -> torch.Tensor:
    return torch.rand(TIME, BATCH, generator=seeded(1)) < 0.6


@pytest.fixture
def outputs() -> torch.Tensor:
    return 3 * torch.randn(TIME, BATCH, SIZE, generator=seeded(2), dtype=torch.float64)


def bits() -> torch.Tensor:
    return torch.randint(0, 2, (TIME, BATCH, SIZE), generator=seeded(3)).float()


def test_bit_costs_are_the_cross_entropy(outputs, mask) -> None:
    targets = bits()
    expected = [
        [
            sum(map(bit_cost, outputs[t, b].tolist(), targets[t, b].tolist())) if mask[t, b] else 0.0
            for b in range(BATCH)
        ]
        for t in range(TIME)
    ]
    # Measured: 9e-16.
    np.testing.assert_allclose(bit_costs(outputs, targets, mask).numpy(), expected, rtol=1e-13)


def test_class_costs_are_the_cross_entropy(outputs, mask) -> None:
    targets = torch.randint(0, SIZE, (TIME, BATCH), generator=seeded(4))
    costs = class_costs(outputs, targets, mask)
    for t in range(TIME):
        for b in range(BATCH):
            total = sum(math.exp(x) for x in outputs[t, b].tolist())
            expected = math.log(total) - float(outputs[t, b, targets[t, b]]) if mask[t, b] else 0.0
            # Measured: 9e-16.
            assert float(costs[t, b]) == pytest.approx(expected, rel=1e-13, abs=1e-14)


def test_square_costs_are_the_squared_errors(outputs, mask) -> None:
    targets = torch.randn(TIME, BATCH, SIZE, generator=seeded(5))
    difference = outputs.numpy() - targets.numpy()
    expected = np.where(mask.numpy(), (difference**2).sum(-1), 0)
    np.testing.assert_allclose(square_costs(outputs, targets, mask).numpy(), expected, rtol=1e-13)


@pytest.mark.parametrize("costs", [bit_costs, class_costs, square_costs])
@pytest.mark.parametrize("poison", [math.nan, math.inf, -math.inf])
def test_nothing_leaks_from_outside_the_mask(costs, poison, outputs, mask) -> None:
    targets = torch.randint(0, SIZE, (TIME, BATCH), generator=seeded(4)) if costs is class_costs else bits()
    clean = outputs.clone().requires_grad_()
    expected = costs(clean, targets, mask)
    expected.sum().backward()

    poisoned = torch.where(mask.unsqueeze(-1), outputs, poison).requires_grad_()
    if costs is not class_costs:
        targets = torch.where(mask.unsqueeze(-1), targets, poison)
    found = costs(poisoned, targets, mask)
    found.sum().backward()
    assert torch.equal(found, expected)
    assert clean.grad is not None
    assert poisoned.grad is not None
    assert torch.equal(poisoned.grad, clean.grad)
    assert not poisoned.grad[~mask].any()


def test_a_class_outside_the_range_is_ignored_outside_the_mask(outputs) -> None:
    mask = torch.zeros(TIME, BATCH, dtype=torch.bool)
    assert not class_costs(outputs, torch.full((TIME, BATCH), -1), mask).any()


@pytest.mark.parametrize("costs", [bit_costs, square_costs])
def test_half_precision_is_added_up_in_float32(costs, outputs, mask) -> None:
    half = outputs.bfloat16()
    found = costs(half, bits(), mask)
    assert found.dtype == torch.float32
    assert torch.equal(found, costs(half.float(), bits(), mask))


def test_wrong_bits_counts_logits_on_the_wrong_side_of_0() -> None:
    outputs = torch.tensor([[[2.0, -1.0, 0.0, 0.0]], [[1.0, 1.0, 1.0, 1.0]], [[5.0, 5.0, 5.0, 5.0]]])
    targets = torch.tensor([[[1.0, 1.0, 0.0, 1.0]], [[0.0, 0.0, 1.0, 0.0]], [[0.0, 0.0, 0.0, 0.0]]])
    mask = torch.tensor([[True], [True], [False]])
    assert wrong_bits(outputs, targets, mask).flatten().tolist() == [2, 3, 0]


def test_wrong_classes_counts_steps_whose_largest_logit_is_another() -> None:
    outputs = torch.tensor([[[2.0, -1.0]], [[1.0, 3.0]], [[5.0, 6.0]]])
    mask = torch.tensor([[True], [True], [False]])
    assert wrong_classes(outputs, torch.tensor([[0], [0], [0]]), mask).flatten().tolist() == [0, 1, 0]


def test_wrong_values_counts_misses_of_more_than_a_half() -> None:
    outputs = torch.tensor([[[2.0, -1.0]], [[1.5, 3.0]]])
    mask = torch.tensor([[True], [True]])
    targets = torch.tensor([[[2.4, 0.0]], [[1.0, 3.6]]])
    assert wrong_values(outputs, targets, mask).flatten().tolist() == [1, 1]


def test_nan_is_always_wrong() -> None:
    outputs = torch.full((1, 1, 2), math.nan)
    mask = torch.ones(1, 1, dtype=torch.bool)
    assert wrong_bits(outputs, torch.tensor([[[0.0, 1.0]]]), mask).item() == 2
    assert wrong_values(outputs, torch.tensor([[[0.0, 1.0]]]), mask).item() == 2
    assert wrong_classes(outputs, torch.tensor([[0]]), mask).item() == 1
