import pytest
import torch

from neuraltape import NTM
from neuraltape.functional import HopsLayout
from neuraltape.kernels.cpu import ready


@pytest.fixture
def wanted(monkeypatch):
    """The names of the kernels that were asked for."""
    names = []
    monkeypatch.setattr(ready, "make_all", lambda kernels, size: names.extend(each._name for each in kernels))
    return names


@pytest.mark.parametrize("op", ["sequence", "hops"])
def test_where_no_gradients_are_kept_none_of_their_kernels_is_asked_for(op, wanted):
    ntm = NTM(3, 5, 2, memory_slots=4, memory_width=3)
    spec = HopsLayout(9, 5, 7, 3) if op == "hops" else ntm._spec(ntm.controller, ntm.access)
    with torch.no_grad():
        assert ready.why_not(op, torch.float32, spec) is None
    forward = list(wanted)
    assert ready.why_not(op, torch.float32, spec) is None
    assert forward
    assert not [name for name in forward if "backward" in name or name == "collect"]
    assert wanted[len(forward) : 2 * len(forward)] == forward
    assert [name for name in wanted[2 * len(forward) :] if "backward" in name]


def test_a_machine_that_was_first_asked_without_gradients_learns_all_the_same():
    torch.manual_seed(0)
    ntm, inputs = NTM(3, 5, 2, memory_slots=4, memory_width=3), torch.randn(4, 2, 3)
    with torch.no_grad():
        first = ntm(inputs)[0]
    reference = NTM(3, 5, 2, memory_slots=4, memory_width=3, backend="reference").double()
    reference.load_state_dict(ntm.state_dict())
    for each in (ntm, reference):
        each(inputs.to(each.output.weight.dtype))[0].square().sum().backward()
    assert ntm.backend == "cpu"
    torch.testing.assert_close(first.double(), reference(inputs.double())[0].detach(), rtol=1e-5, atol=1e-6)
    for here, there in zip(ntm.parameters(), reference.parameters(), strict=True):
        assert there.grad is not None
        # Measured: 4e-7 of a gradient's largest number.
        torch.testing.assert_close(here.grad.double(), there.grad, rtol=1e-4, atol=1e-6)
