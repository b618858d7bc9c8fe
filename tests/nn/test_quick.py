"""What is taken around a module is what the module would have given, or is not taken."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from neuraltape.nn.quick import fits, know, like_of, of_linear, plain, plain_step


def test_a_layer_without_a_bias_has_no_parameters_for_a_kernel():
    linear = nn.Linear(2, 2)
    assert of_linear(linear) == (linear.weight, linear.bias)
    assert of_linear(nn.Linear(2, 2, bias=False)) is None


def test_something_has_the_precision_of_the_layer_or_else_of_the_first_number_that_is_one():
    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2, dtype=torch.int8), requires_grad=False)

    linear = nn.Linear(2, 2, dtype=torch.float64)
    assert like_of(linear, linear) is linear.weight
    assert like_of(nn.Sequential(Whole(), linear), Whole()) is linear.weight
    assert like_of(Whole(), None).dtype == torch.float32
    assert like_of(nn.Linear(2, 2), nn.Linear(2, 2, dtype=torch.float64)).dtype == torch.float64


class Other(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


def hooked(register):
    linear = nn.Linear(2, 2)
    getattr(linear, register)(lambda *_: None)
    return linear


def patched(**attributes):
    linear = nn.Linear(2, 2)
    linear.__dict__.update(attributes)
    return linear


class Doubled(nn.Module):
    def forward(self, weight):
        return 2 * weight


def parametrised():
    linear = nn.Linear(2, 2)
    parametrize.register_parametrization(linear, "weight", Doubled())
    return linear


@pytest.mark.parametrize(
    "module",
    [
        Other(2, 2),
        hooked("register_forward_hook"),
        hooked("register_forward_pre_hook"),
        hooked("register_full_backward_hook"),
        hooked("register_full_backward_pre_hook"),
        patched(forward=lambda x: 2 * x),
        patched(_call_impl=lambda x: 2 * x),
        patched(weight=torch.ones(2, 2)),
        patched(bias=torch.ones(2)),
        parametrised(),
        type("Same", (nn.Linear,), {})(2, 2),
        nn.Bilinear(2, 2, 2),
    ],
)
def test_what_does_something_else_when_called_is_not_plain(module):
    know(nn.Linear)
    assert not plain(module, nn.Linear)
    assert plain(nn.Linear(2, 2), nn.Linear)


@pytest.mark.parametrize("name", ["__call__", "forward"])
def test_a_known_class_with_another_method_is_not_plain(name, monkeypatch):
    know(nn.Linear)
    linear = nn.Linear(2, 2)
    assert plain(linear, nn.Linear)
    monkeypatch.setattr(nn.Linear, name, lambda self, x: 2 * x)
    assert not plain(linear, nn.Linear)


PARTS = ("", "controller", "access", "access.interface", "output")


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("change", ["register_forward_hook", "register_forward_pre_hook", "forward", "class", "known"])
def test_a_step_sees_what_is_around_any_part(name, change, monkeypatch):
    from neuraltape import NTM
    from neuraltape.nn.access import NTMAccess
    from neuraltape.nn.controllers import CONTROLLERS

    ntm = NTM(3, 4, 5, memory_slots=6)

    def seen():
        return plain_step(ntm, ntm.controller, ntm.access, ntm.output, CONTROLLERS.values(), NTMAccess)

    assert seen()
    module = ntm.get_submodule(name)
    if change.startswith("register"):
        getattr(module, change)(lambda *_: None)
    elif change == "forward":
        module.forward = lambda *_: None
    elif name == "":
        # The machine's class is the one that asks.
        return
    elif change == "known":
        monkeypatch.setattr(type(module), "forward", lambda *_: None)
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
