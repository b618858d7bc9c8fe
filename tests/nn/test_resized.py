"""Views of machines with another number of slots."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from neuraltape import DNC, NTM, LSTMBaseline
from neuraltape.nn import with_memory_slots

SIZES = {"memory_width": 5, "read_heads": 2}


def machine(kind: type, memory_slots: int = 7, **options: object):
    torch.manual_seed(0)
    return kind(3, 6, 4, **(SIZES | {"memory_slots": memory_slots} | options)).double()


@pytest.mark.parametrize("backend", ["auto", "reference"])
@pytest.mark.parametrize(("kind", "options"), [(NTM, {}), (DNC, {}), (DNC, {"links": False, "wipe": True})])
def test_a_view_of_a_machine_has_another_number_of_slots(kind, options, backend, generator) -> None:
    options = {**options, "backend": backend}
    small, large = machine(kind, **options), machine(kind, 9, **options)
    large.load_state_dict(small.state_dict())
    inputs = torch.randn(6, 4, 3, generator=generator, dtype=torch.float64)
    before, view = small(inputs)[0], small.resized(9)
    (outputs, after), (expected, _) = view(inputs), large(inputs)
    assert not torch.equal(before, expected)
    assert torch.equal(outputs, expected)
    with torch.no_grad():
        assert torch.equal(view.step(inputs[0], after)[0], large.step(inputs[0], after)[0])
    assert torch.equal(view.trace(inputs).outputs, large.trace(inputs).outputs)
    assert view.resized(2).initial_state(1).access.memory.shape[1] == 2
    assert (view.memory_slots, view.config["memory_slots"]) == (9, 9)
    assert small.memory_slots == small.access.slots == small.config["memory_slots"] == 7
    assert torch.equal(small(inputs)[0], before)


def test_what_a_view_learns_its_machine_has_learnt(generator) -> None:
    ntm = machine(NTM)
    view = ntm.resized(9)
    view(torch.randn(6, 4, 3, generator=generator, dtype=torch.float64))[0].square().sum().backward()
    assert all(parameter.grad is not None for parameter in ntm.parameters())
    assert [*map(id, view.parameters())] == [*map(id, ntm.parameters())]


def test_eight_threads_run_with_as_many_numbers_of_slots(generator) -> None:
    ntm, inputs = machine(NTM), torch.randn(6, 4, 3, generator=generator, dtype=torch.float64)
    expected = {slots: ntm.resized(slots)(inputs)[0] for slots in range(3, 11)}
    with ThreadPoolExecutor(8) as pool:
        asked = [*expected] * 20
        came = pool.map(lambda slots: ntm.resized(slots)(inputs)[0], asked)
        assert all(torch.equal(outputs, expected[slots]) for slots, outputs in zip(asked, came, strict=True))


def test_the_number_must_be_positive() -> None:
    with pytest.raises(ValueError, match="memory_slots"):
        machine(DNC).resized(0)


def test_a_machine_without_slots_of_its_own_choice_is_refused() -> None:
    assert with_memory_slots(machine(NTM), 9).memory_slots == 9
    with pytest.raises(ValueError, match="memory_slots needs a machine that can be resized; got a LSTMBaseline"):
        with_memory_slots(LSTMBaseline(3, 5, 2), 9)
