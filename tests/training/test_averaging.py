from contextlib import suppress

import pytest
import torch
from torch import nn

from neuraltape.training.averaging import Average
from neuraltape.training.flat import FlatParameters


def test_the_average_follows_its_formula() -> None:
    model = nn.Linear(1, 1, bias=False)
    flat = FlatParameters(dict(model.named_parameters()))
    flat.set(torch.tensor([2.0]))
    average = Average(flat, 0.15)
    expected = 2.0
    for step in range(3):
        flat.set(torch.tensor([step * 10.0]))
        average.update(step)
        # 1/10 at first, then 2/11 and 3/12, which are above 0.15.
        decay = (0.1, 0.15, 0.15)[step]
        expected = decay * expected + (1 - decay) * step * 10
    assert average.weights is not None
    assert average.weights.item() == pytest.approx(expected, rel=1e-6)


def test_the_average_stands_in_the_model_only_while_applied() -> None:
    model = nn.Linear(1, 1, bias=False)
    flat = FlatParameters(dict(model.named_parameters()))
    flat.set(torch.tensor([1.0]))
    average = Average(flat, 0.9)
    flat.set(torch.tensor([5.0]))
    with suppress(KeyError), average.applied():
        assert model.weight.item() == 1
        raise KeyError
    assert model.weight.item() == 5


def test_a_decay_of_zero_keeps_nothing() -> None:
    model = nn.Linear(1, 1)
    average = Average(FlatParameters(dict(model.named_parameters())), 0)
    before = model.weight.item()
    average.update(1)
    with average.applied():
        assert model.weight.item() == before
    assert average.weights is None
