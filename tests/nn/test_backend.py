"""The backend is chosen once for a device and dtype, and again when they change."""

import copy
import pickle

import pytest
import torch

from neuraltape.functional import InterfaceLayout
from neuraltape.kernels import reference
from neuraltape.nn import backend as module
from neuraltape.nn.backend import BackendChoice

LAYOUT = InterfaceLayout(1, 1, 4)


def test_it_asks_the_door_once_for_each_dtype(monkeypatch):
    asked = []

    def resolve(op, backend, device, dtype, spec):
        asked.append((op, backend, dtype))
        return module.Resolved("reference", reference.access_step)

    monkeypatch.setattr(module, "resolve", resolve)
    choice = BackendChoice("access_step", "auto")
    single, double = torch.ones(1), torch.ones(1, dtype=torch.float64)
    for tensor in (single, single, double, double, single):
        assert choice.resolve(tensor, LAYOUT).function is reference.access_step
    dtypes = [dtype for _, _, dtype in asked]
    assert dtypes == [torch.float32, torch.float64, torch.float32]


def test_it_asks_again_when_gradients_are_kept_for_the_first_time(monkeypatch):
    asked = []

    def resolve(op, backend, device, dtype, spec):
        asked.append(torch.is_grad_enabled())
        # As if only the backward kernel could not be compiled.
        return module.Resolved("reference" if asked[-1] else "cpu", reference.access_step)

    monkeypatch.setattr(module, "resolve", resolve)
    choice, like, names = BackendChoice("access_step", "auto"), torch.ones(1), []
    for keeps in (False, False, True, True, False):
        with torch.set_grad_enabled(keeps):
            names.append(choice.resolve(like, LAYOUT).backend)
    assert asked == [False, True]
    assert names == ["cpu", "cpu", "reference", "reference", "reference"]


def test_copies_choose_for_themselves():
    choice = BackendChoice("access_step", "reference")
    choice.resolve(torch.ones(1), LAYOUT)
    for twin in (copy.deepcopy(choice), pickle.loads(pickle.dumps(choice))):  # noqa: S301
        assert twin._chosen is None
        assert twin.resolve(torch.ones(1), LAYOUT).backend == "reference"


def test_an_unknown_backend_is_named_at_once():
    with pytest.raises(ValueError, match=r"backend must be 'auto' or one of .*reference; got 'fast'"):
        BackendChoice("access_step", "fast")
