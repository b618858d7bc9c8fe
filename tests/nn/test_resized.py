"""Machines with another number of slots for a while."""

import pytest
import torch

from neuraltape import DNC, NTM

SIZES = {"memory_width": 5, "read_heads": 2}


def machine(kind: type, memory_slots: int = 7, **options: object):
    torch.manual_seed(0)
    return kind(3, 6, 4, **(SIZES | {"memory_slots": memory_slots} | options)).double()


@pytest.mark.parametrize("backend", ["auto", "reference"])
@pytest.mark.parametrize(("kind", "options"), [(NTM, {}), (DNC, {}), (DNC, {"links": False, "wipe": True})])
def test_a_memory_is_resized_for_a_while(kind, options, backend, generator) -> None:
    options = {**options, "backend": backend}
    small, large = machine(kind, **options), machine(kind, 9, **options)
    large.load_state_dict(small.state_dict())
    inputs = torch.randn(6, 4, 3, generator=generator, dtype=torch.float64)
    before = small(inputs)[0]
    expected = large(inputs)[0]
    assert not torch.equal(before, expected)
    with small.resized(9):
        assert torch.equal(small(inputs)[0], expected)
        with small.resized(2):
            assert small.initial_state(1).access.memory.shape[1] == 2
        assert small.memory_slots == 9
    assert torch.equal(small(inputs)[0], before)
    assert small.config["memory_slots"] == 7


def test_the_number_comes_back_after_an_error_and_must_be_positive() -> None:
    dnc = machine(DNC)
    with pytest.raises(KeyError), dnc.resized(9):
        raise KeyError
    assert dnc.memory_slots == dnc.initial_state(1).access.memory.shape[1] == 7
    with pytest.raises(ValueError, match="memory_slots"), dnc.resized(0):
        pass
