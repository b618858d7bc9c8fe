"""Built-in controllers draw their weights as torch.nn does and say how they start."""

import math

import pytest
import torch

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
