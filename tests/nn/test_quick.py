"""What is taken around a module is what the module would have given, or is not taken."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from neuraltape.nn.quick import fits, of_linear, parameter, plain, plain_step


def test_a_computed_parameter_is_found_as_it_is_computed():
    class Doubled(nn.Module):
        def forward(self, weight):
            return 2 * weight

    linear = nn.Linear(2, 2)
    assert parameter(linear, "weight") is linear.weight
    expected = 2 * linear.weight.detach()
    parametrize.register_parametrization(linear, "weight", Doubled())
    assert torch.equal(parameter(linear, "weight"), expected)
    assert torch.equal(of_linear(linear)[0], expected)
    assert of_linear(linear)[1] is linear.bias
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


PARTS = ("", "controller", "access", "access.interface", "output")


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("change", ["register_forward_hook", "register_forward_pre_hook", "forward", "class"])
def test_a_step_sees_what_is_around_any_part(name, change):
    from neuraltape import NTM
    from neuraltape.nn.access import NTMAccess
    from neuraltape.nn.controllers import Controller

    ntm = NTM(3, 4, 5, memory_slots=6)

    def seen():
        return plain_step(ntm, ntm.controller, ntm.access, ntm.output, NTMAccess, Controller.forward)

    assert seen()
    module = ntm.get_submodule(name)
    if change.startswith("register"):
        getattr(module, change)(lambda *_: None)
    elif name == "":
        # The machine's own forward is the one that asks.
        return
    elif change == "forward":
        module.forward = lambda *_: None
    else:
        module.__class__ = type("Other", (type(module),), {"forward": lambda self, *_: None})
    assert not seen()


def test_what_is_no_state_of_so_many_sequences_does_not_fit():
    from neuraltape import NTM

    ntm = NTM(3, 4, 5, memory_slots=6)
    parts, state = (ntm.controller, ntm.access), ntm.initial_state(2)
    assert fits(state, *parts, 2, torch.float32)
    assert not fits(state, *parts, 3, torch.float32)
    assert not fits(state, *parts, 2, torch.float64)
    assert not fits(state.replace(controller=()), *parts, 2, torch.float32)
    assert not fits(state.parts(), *parts, 2, torch.float32)
