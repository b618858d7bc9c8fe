"""What is taken around a module is what the module would have given, or is not taken."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from neuraltape.nn.quick import fits, parameter, plain


def test_a_computed_parameter_is_found_as_it_is_computed():
    class Doubled(nn.Module):
        def forward(self, weight):
            return 2 * weight

    linear = nn.Linear(2, 2)
    assert parameter(linear, "weight") is linear.weight
    expected = 2 * linear.weight.detach()
    parametrize.register_parametrization(linear, "weight", Doubled())
    assert torch.equal(parameter(linear, "weight"), expected)
    assert plain(linear, nn.Linear)


class Other(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


def hooked(register):
    linear = nn.Linear(2, 2)
    getattr(linear, register)(lambda *_: None)
    return linear


def patched():
    linear = nn.Linear(2, 2)
    linear.forward = lambda x: 2 * x
    return linear


@pytest.mark.parametrize(
    "module",
    [
        Other(2, 2),
        hooked("register_forward_hook"),
        hooked("register_forward_pre_hook"),
        hooked("register_full_backward_hook"),
        hooked("register_full_backward_pre_hook"),
        patched(),
        nn.Bilinear(2, 2, 2),
    ],
)
def test_what_does_something_else_when_called_is_not_plain(module):
    assert not plain(module, nn.Linear)
    assert plain(nn.Linear(2, 2), nn.Linear)


def test_what_is_no_state_of_so_many_sequences_does_not_fit():
    from neuraltape import NTM

    ntm = NTM(3, 4, 5, memory_slots=6)
    parts, state = (ntm.controller, ntm.access), ntm.initial_state(2)
    assert fits(state, *parts, 2, torch.float32)
    assert not fits(state, *parts, 3, torch.float32)
    assert not fits(state, *parts, 2, torch.float64)
    assert not fits(state.replace(controller=()), *parts, 2, torch.float32)
    assert not fits(state.parts(), *parts, 2, torch.float32)
