from dataclasses import replace

import numpy as np
import pytest
import torch

from neuraltape.plotting.tape import Tape, guessed_kind, predictions
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
    outputs = torch.tensor([[2.0, -1.0, *[0.0] * 8, *[3.0] * 9, 5.0]])
    double = outputs.double()
    assert torch.equal(predictions(outputs, "bits"), double.sigmoid())
    assert torch.equal(predictions(outputs, "classes"), double.softmax(-1))
    assert torch.equal(predictions(outputs, "values"), double)
    # Each of the two digits has a softmax of its own.
    digits = torch.cat([double[:, :10].softmax(-1), double[:, 10:].softmax(-1)], -1)
    assert torch.equal(predictions(outputs, "digits"), digits)


def test_what_targets_are_is_guessed_only_where_the_trace_does_not_say_it() -> None:
    bits = torch.tensor([[1.0, 0.0]])
    assert [guessed_kind(each) for each in (bits, None, torch.tensor([1]), bits + 0.5)] == [
        *("bits", "bits", "classes", "values"),
    ]
    trace = small_trace()
    said = replace(trace, target_kind="values")
    assert np.array_equal(Tape(trace).predictions, trace.outputs[:, 0].double().sigmoid().numpy())
    assert np.array_equal(Tape(said).predictions, trace.outputs[:, 0].double().numpy())


def test_targets_that_are_not_scored_are_nothing() -> None:
    trace = small_trace()
    scored = torch.zeros(7, 2, dtype=torch.bool)
    scored[3] = True
    targets = Tape(replace(trace, targets=torch.ones(7, 2, 2), scored=scored)).targets
    assert targets is not None
    assert targets.tolist() == [[float(step == 3)] * 2 for step in range(7)]
