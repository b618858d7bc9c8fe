import numpy as np
import pytest
import torch

from neuraltape.plotting.tape import Tape, predictions
from tests.plotting.traces import small_trace, story_trace, with_focus, with_weights


def test_padding_is_left_out() -> None:
    trace = small_trace()
    assert [Tape(trace, 0).steps, Tape(trace, 1).steps] == [7, 5]
    assert Tape(trace, 1).of(trace.head("read 1").vectors["read"]).shape == (5, 4)


def test_the_focus_before_a_step_is_that_of_the_step_before() -> None:
    trace = small_trace()
    tape, head = Tape(trace, 1), trace.head("write 1")
    assert head.first is not None
    assert np.array_equal(tape.before(head, 0), head.first[1].double())
    assert np.array_equal(tape.before(head, 3), head.weights[2, 1].double())
    assert tape.before(story_trace().heads[0], 0) is None


def test_slots_with_labels_are_those_that_have_a_name() -> None:
    trace = story_trace()
    assert Tape(trace, 0).slots_in_use().tolist() == [0, 1, 2]
    assert Tape(trace, 1).slots_in_use().tolist() == [0]
    assert Tape(trace, 0).slot_names(np.array([2, 0])) == ["Yes", "Mary went"]
    assert Tape(small_trace()).slot_names(np.array([7, 0])) == ["7", "0"]


@pytest.mark.parametrize(
    ("visited", "shown"),
    [
        ([5, 6, 7, 8], [4, 5, 6, 7, 8, 9]),
        # The ring is cut where it was left alone, not at slot 0.
        ([1, 0, 19, 18], [17, 18, 19, 0, 1, 2]),
        ([3], [2, 3, 4]),
        ([0], [19, 0, 1]),
        # Slots that were passed over but lie between used ones are shown too.
        ([4, 8], [3, 4, 5, 6, 7, 8, 9]),
    ],
)
def test_slots_in_use_are_one_stretch_of_the_ring(visited: list[int], shown: list[int]) -> None:
    trace = with_focus(small_trace(slots=20), (visited * 7)[:7])
    assert Tape(trace).slots_in_use().tolist() == shown


def test_all_slots_are_shown_in_order_where_all_are_used() -> None:
    trace = with_focus(small_trace(slots=7), [3, 4, 5, 6, 0, 1, 2])
    assert Tape(trace).slots_in_use().tolist() == list(range(7))


def test_a_focus_that_is_spread_evenly_uses_every_slot() -> None:
    trace = small_trace(slots=100)
    trace = with_weights(trace, torch.full_like(trace.heads[0].weights, 1 / 100))
    assert len(Tape(trace).slots_in_use()) == 100


def test_a_sequence_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"sequence must be from 0 to 1, .* got 2"):
        Tape(small_trace(), 2)


def test_outputs_take_the_form_of_their_targets() -> None:
    outputs = torch.tensor([[2.0, -1.0]])
    bits = torch.tensor([[1.0, 0.0]])
    assert torch.allclose(predictions(outputs, bits), outputs.double().sigmoid())
    assert torch.allclose(predictions(outputs, None), outputs.double().sigmoid())
    assert torch.allclose(predictions(outputs, torch.tensor([1])), outputs.double().softmax(-1))
    assert torch.allclose(predictions(outputs, bits + 0.5), outputs.double())
