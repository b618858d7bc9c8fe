"""States are records of tensors, which are joined row by row."""

import pytest
import torch

from neuraltape import NTM
from neuraltape.functional import AccessState, LRUAState
from neuraltape.nn.state import (
    FeedForwardState,
    GRUState,
    LSTMState,
    MachineState,
    keep_alive,
    like_state,
    map_state,
    tensors_of,
)


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


@pytest.mark.parametrize("kind", [LSTMState, GRUState, FeedForwardState, MachineState, AccessState, LRUAState])
def test_every_kind_of_state_refuses_to_be_a_sequence(kind):
    state = kind(*[torch.zeros(2, 1)] * len(kind.names))
    for use in (iter, len, lambda each: each[0], lambda each: tuple(each)):
        with pytest.raises(TypeError, match=rf"a {kind.__name__} is no sequence, so it can't be unpacked"):
            use(state)


def test_a_saved_state_loads_where_nothing_may_be_executed(tmp_path):
    _, state = NTM(3, 5, 2, memory_slots=6)(torch.zeros(4, 2, 3))
    torch.save({"state": state, "plain": state.as_tuple()}, tmp_path / "state.pt")
    loaded = torch.load(tmp_path / "state.pt", weights_only=True)
    assert type(loaded["state"]) is MachineState
    for again in (loaded["state"], like_state(loaded["plain"], state)):
        assert all(torch.equal(a, b) for a, b in zip(tensors_of(again), tensors_of(state), strict=True))


def test_a_state_moves_and_is_copied_whole():
    _, state = NTM(3, 5, 2, memory_slots=6)(torch.zeros(4, 2, 3))
    assert {each.dtype for each in tensors_of(state.to(torch.float64))} == {torch.float64}
    assert {each.device.type for each in tensors_of(state.to("meta"))} == {"meta"}
    copy = state.clone()
    for mine, theirs in zip(tensors_of(copy), tensors_of(state), strict=True):
        assert torch.equal(mine, theirs)
        assert mine.data_ptr() != theirs.data_ptr()
    zeros = map_state(torch.zeros_like, state)
    mixed = state.where(torch.tensor([True, False]), zeros)
    for found, mine in zip(tensors_of(mixed), tensors_of(state), strict=True):
        assert torch.equal(found[1], mine[1])
        assert not found[0].any()
