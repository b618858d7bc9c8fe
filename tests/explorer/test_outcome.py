"""Probabilities, targets and mistakes as the page draws them."""

from dataclasses import dataclass

import torch

from neuraltape.explorer.outcome import outcome
from neuraltape.tasks import Copy, GraphTraversal, Omniglot
from neuraltape.tasks.batch import Batch
from tests.explorer.made_up import made_up


def with_outputs(outputs: torch.Tensor):
    """A trace with these outputs; nothing else of it is looked at."""
    trace = made_up()
    object.__setattr__(trace, "outputs", outputs)
    return trace


def test_bits_are_counted_one_by_one_and_each_wrong_one_is_marked():
    batch = Copy(bits=2).sample(1, torch.Generator().manual_seed(0), lengths=2)
    right = (batch.targets - 0.5) * 8
    outputs = right.clone()
    outputs[-1, 0, 1] *= -1
    about, arrays = outcome(Copy(bits=2), with_outputs(outputs), batch)
    # Two vectors of two bits: four targets in two scored steps.
    assert about["score"]["of"] == 4
    assert int(batch.mask.sum()) == 2
    assert about["score"]["wrong"] == 1
    assert about["mistakes"] == [0, 0, 0, 0, 1]
    assert arrays["wrong"].nonzero().tolist() == [[4, 1]]
    assert arrays["chance"].shape == (5, 2)
    torch.testing.assert_close(arrays["chance"], outputs[:, 0].sigmoid())


def test_classes_have_probabilities_that_sum_to_one_and_the_wrong_answer_is_marked():
    targets = torch.tensor([[2], [0], [1]])
    batch = Batch(torch.zeros(3, 1, 405), targets, torch.tensor([[True], [True], [False]]), torch.tensor([3]))
    outputs = torch.zeros(3, 1, 5)
    outputs[0, 0, 2] = outputs[1, 0, 4] = outputs[2, 0, 0] = 3.0
    about, arrays = outcome(Omniglot(), with_outputs(outputs), batch)
    assert about["targets"] == "classes"
    assert about["score"]["of"] == 2
    assert about["score"]["wrong"] == 1
    torch.testing.assert_close(arrays["chance"].sum(-1), torch.ones(3))
    assert arrays["target"].tolist() == [[0, 0, 1, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    # Answered 4 where 0 was right; the last step is not scored.
    assert arrays["wrong"].nonzero().tolist() == [[1, 4]]


@dataclass(frozen=True)
class Values(Copy):
    """Copy, as if its targets were numbers."""

    target_kind = "values"  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]


def test_values_have_no_probabilities():
    batch = Copy(bits=2).sample(1, torch.Generator().manual_seed(0), lengths=1)
    outputs = batch.targets.clone()
    outputs[-1, 0, 0] += 0.6
    _, arrays = outcome(Values(bits=2), with_outputs(outputs), batch)
    assert "chance" not in arrays
    assert arrays["wrong"].nonzero().tolist() == [[2, 0]]


def test_digits_have_probabilities_that_sum_to_one_each_and_a_wrong_one_is_marked_where_it_was_answered():
    task = GraphTraversal()
    batch = task._example_batch()
    outputs = 9 * batch.targets
    # The answer's first digit is 0.
    outputs[-2, 0, :10] = torch.arange(10.0)
    about, arrays = outcome(task, with_outputs(outputs), batch)
    assert about["targets"] == "digits"
    assert (about["score"]["of"], about["score"]["wrong"]) == (18, 1)
    assert about["mistakes"] == [0, 0, 0, 0, 0, 1, 0]
    assert arrays["wrong"].nonzero().tolist() == [[5, 9]]
    assert torch.equal(arrays["target"], batch.targets[:, 0])
    torch.testing.assert_close(arrays["chance"].unflatten(-1, (9, 10)).sum(-1), torch.ones(7, 9))


def test_without_a_task_there_is_nothing_to_miss():
    batch = Copy(bits=2).sample(1, torch.Generator().manual_seed(0), lengths=1)
    about, arrays = outcome(None, with_outputs(torch.zeros(3, 1, 2)), batch)
    assert about["score"] is None
    assert set(arrays) == {"chance"}
