from contextlib import suppress

import pytest
import torch
from torch import nn

from neuraltape.training.weights import Average, FlatParameters


def test_the_model_and_the_vector_share_weights_and_gradients() -> None:
    model = nn.Linear(2, 3)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    flat = FlatParameters(dict(model.named_parameters()))
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
    flat.set(torch.arange(9.0))
    assert model.weight.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert model.bias.tolist() == [6, 7, 8]
    model(torch.ones(1, 2)).sum().backward()
    assert flat.gradient.tolist() == [1] * 9
    flat.gradient.zero_()
    model(torch.ones(1, 2)).sum().backward()
    assert flat.gradient.tolist() == [1] * 9


def test_a_step_of_adam_on_the_vector_is_a_step_on_each_parameter() -> None:
    torch.manual_seed(0)
    one = nn.Linear(3, 4)
    other = nn.Linear(3, 4)
    other.load_state_dict(one.state_dict())
    flat = FlatParameters(dict(one.named_parameters()))
    steps = [torch.optim.Adam([flat.weights], 0.1), torch.optim.Adam(other.parameters(), 0.1)]
    for _ in range(3):
        flat.gradient.zero_()
        other.zero_grad()
        for model, optimizer in zip((one, other), steps, strict=True):
            model(torch.ones(2, 3)).square().sum().backward()
            optimizer.step()
    # Measured: no difference.
    torch.testing.assert_close(list(one.parameters()), list(other.parameters()), rtol=0, atol=1e-7)


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
