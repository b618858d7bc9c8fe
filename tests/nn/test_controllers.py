"""Built-in controllers draw their weights as torch.nn does and say how they start."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from neuraltape.nn.controllers import CONTROLLERS, FeedForwardController, LSTMController


@pytest.mark.parametrize("name", CONTROLLERS)
def test_weights_come_layer_by_layer_in_the_order_of_the_kernels(name):
    controller = CONTROLLERS[name](7, 5, 3)
    names = [name for name, _ in controller.named_parameters()]
    assert [id(tensor) for tensor in controller.weights()] == [
        id(dict(controller.named_parameters())[n]) for n in names
    ]
    assert len(controller.weights()) == (2 if name == "feedforward" else 4) * 3
    assert controller.weights()[0].shape[1] == 7
    assert max(tensor.abs().max().item() for tensor in controller.weights()) <= max(0.5, 1 / math.sqrt(5))


def test_forget_gates_start_open():
    controller = LSTMController(7, 5, 2)
    for layer in range(2):
        bias = getattr(controller, f"bias_ih_l{layer}") + getattr(controller, f"bias_hh_l{layer}")
        assert bias[5:10].tolist() == [1.0] * 5
        assert (bias[:5] != 1).all()


@pytest.mark.parametrize("name", CONTROLLERS)
def test_the_state_starts_at_zero_in_the_parameters_dtype(name):
    state = CONTROLLERS[name](7, 5, 3).double().initial_state(2)
    for tensor in state.parts():
        assert tensor.shape == (2, 3, 5)
        assert tensor.dtype == torch.float64
        assert not tensor.any()


def test_a_feed_forward_controller_forgets_at_once(generator):
    controller = FeedForwardController(7, 5, 2)
    x = torch.randn(3, 7, generator=generator)
    first, state = controller(x, controller.initial_state(3))
    second, _ = controller(x, state)
    assert torch.equal(first, second)
    by_hand = torch.tanh(
        torch.tanh(x @ controller.weight_l0.T + controller.bias_l0) @ controller.weight_l1.T + controller.bias_l1
    )
    torch.testing.assert_close(first, by_hand)


def test_linear_units_follow_their_equation_and_the_others_that_of_an_lstm(generator):
    controller = LSTMController(3, 4, 2, linear_units=2).double()
    for each in controller.parameters():
        nn.init.normal_(each, generator=generator)
    x = torch.randn(6, 1, 3, generator=generator, dtype=torch.float64)
    state, given = controller.initial_state(1), []
    for each in x:
        y, state = controller(each, state)
        given.append(y[0])
    weights = {name: value.detach().numpy() for name, value in controller.named_parameters()}
    hidden, cell, found, farthest = np.zeros((2, 4)), np.zeros((2, 4)), [], 0.0
    for each in x[:, 0].numpy():
        below = each
        for layer in range(2):
            gates = weights[f"weight_ih_l{layer}"] @ below + weights[f"weight_hh_l{layer}"] @ hidden[layer]
            gates += weights[f"bias_ih_l{layer}"] + weights[f"bias_hh_l{layer}"]
            for unit in range(4):
                take, keep, out = (1 / (1 + math.exp(-gates[unit + 4 * gate])) for gate in (0, 1, 3))
                candidate = gates[unit + 8] if unit < 2 else math.tanh(gates[unit + 8])
                farthest = max(farthest, abs(candidate))
                cell[layer, unit] = keep * cell[layer, unit] + take * candidate
                hidden[layer, unit] = out * math.tanh(cell[layer, unit])
            below = hidden[layer].copy()
        found.append(below)
    # Measured: 2e-16.
    np.testing.assert_allclose(torch.stack(given).detach().numpy(), found, rtol=0, atol=1e-14)
    assert farthest > 1.5, "a linear unit should have gone where tanh can't follow"


def test_a_controller_says_how_many_of_its_units_are_linear():
    assert repr(LSTMController(3, 4, linear_units=2)) == "LSTMController(3, 4, layers=1, linear_units=2)"
    assert repr(LSTMController(3, 4)) == "LSTMController(3, 4, layers=1)"


@pytest.mark.parametrize("count", [-1, 5, True, 1.0])
def test_linear_units_are_a_number_of_units(count):
    with pytest.raises(ValueError, match=f"linear_units must be an integer from 0 to hidden_size, 4; got {count}"):
        LSTMController(3, 4, linear_units=count)
