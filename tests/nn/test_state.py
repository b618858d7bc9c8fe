"""States are records of tensors, which are joined row by row."""

import pytest
import torch

from neuraltape import NTM
from neuraltape.nn.state import FeedForwardState, GRUState, LSTMState, keep_alive, map_state, tensors_of


def test_detach_keeps_type_and_values():
    tensor = torch.ones(2, 1, 3, requires_grad=True) * 2
    for state in (LSTMState(tensor, tensor), GRUState(tensor), FeedForwardState()):
        detached = state.detach()
        assert type(detached) is type(state)
        for cut, original in zip(detached.parts(), state.parts(), strict=True):
            assert not cut.requires_grad
            assert torch.equal(cut, original)


def test_a_state_cannot_be_unpacked_and_says_where_its_parts_are():
    _, state = NTM(3, 5, 2, memory_slots=6)(torch.zeros(4, 2, 3))
    with pytest.raises(TypeError, match=r"state\.controller\.hidden, state\.controller\.cell, state\.access"):
        _, _ = state


def test_keep_alive_chooses_row_by_row():
    new, old = GRUState(torch.ones(3, 1, 2)), GRUState(torch.zeros(3, 1, 2))
    kept = keep_alive(torch.tensor([True, False, True]), new, old)
    assert kept.hidden[:, 0, 0].tolist() == [1, 0, 1]


def test_map_and_tensors_reach_into_nested_states():
    state = {"a": [torch.ones(1), torch.ones(2)], "b": LSTMState(torch.ones(3), torch.ones(4))}
    assert [len(tensor) for tensor in tensors_of(state)] == [1, 2, 3, 4]
    assert [tensor.sum().item() for tensor in tensors_of(map_state(lambda t: 2 * t, state))] == [2, 4, 6, 8]
