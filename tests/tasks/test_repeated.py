import math

import pytest
import torch

from neuraltape.tasks import RepeatCopy, TallyCopy
from neuraltape.tasks.repeated import RepeatedTask
from tests.tasks.oracle import seeded

both = pytest.mark.parametrize("kind", [RepeatCopy, TallyCopy])


@both
def test_at_length_fixes_the_repeats_only_if_asked(kind: type[RepeatedTask]) -> None:
    task = kind().at_length(20)
    assert (task.min_length, task.max_length, task.min_repeats, task.max_repeats) == (20, 20, 1, 10)
    task = kind().at_length(10, 20)
    assert (task.min_length, task.max_length, task.min_repeats, task.max_repeats) == (10, 10, 20, 20)


@both
def test_longest_only_moves_both_ranges_and_practises_as_before(kind: type[RepeatedTask]) -> None:
    task = kind(blank_vectors=0.5, asked_repeats=2).longest_only()
    assert (task.min_length, task.max_length, task.min_repeats, task.max_repeats) == (10, 10, 10, 10)
    assert (task.blank_vectors, task.asked_repeats) == (0.5, 2)


@both
def test_practice_that_cannot_be_is_an_error(kind: type[RepeatedTask]) -> None:
    with pytest.raises(ValueError, match="asked_repeats must be an integer of at least 1; got 0"):
        kind(asked_repeats=0)
    for share in (-0.1, 1.0, math.nan):
        with pytest.raises(ValueError, match="blank_vectors must be at least 0 and below 1; got"):
            kind(blank_vectors=share)


@both
def test_stages_end_at_the_copies_that_are_practised(kind: type[RepeatedTask]) -> None:
    task = kind(asked_repeats=2)
    assert [task.grown(fraction).asked_repeats for fraction in (0.1, 0.5, 1.0)] == [1, 1, 2]


@both
def test_twice_the_vectors_and_twice_the_copies_are_scored_without_practice(kind: type[RepeatedTask]) -> None:
    task = kind(blank_vectors=0.5, asked_repeats=2)
    assert [probe.label for probe in task.probes] == ["1-10 x 1-10", "20 x 10", "10 x 20"]
    assert all((probe.task.blank_vectors, probe.task.asked_repeats) == (0.0, None) for probe in task.probes)


@both
def test_after_another_range_up_to_twice_as_many_of_both_are_scored(kind: type[RepeatedTask]) -> None:
    task = kind(max_length=9, max_repeats=9, blank_vectors=0.5)
    assert [probe.label for probe in task.probes] == ["1-9 x 1-9", "10-19 x 10-19"]
    beyond = task.probes[1].task
    assert isinstance(beyond, kind)
    assert (beyond.blank_vectors, beyond.bits) == (0.0, task.bits)
    batch, usual = (each.sample(1, seeded(), lengths=9, repeats=9) for each in (beyond, task.held_out()))
    assert torch.equal(batch.inputs, usual.inputs)  # A number means what it meant in training.


@both
def test_the_end_marker_is_right_at_its_step_and_at_no_other(kind: type[RepeatedTask]) -> None:
    task = kind(bits=2)
    batch = task.sample(5, seeded(), lengths=4, repeats=2)
    outputs = batch.targets * 40 - 20
    # One sequence misses the marker, one has one too early, one has none at all, one a wrong bit.
    marker = len(outputs) - 1
    outputs[marker, 0, 2] *= -1
    outputs[marker - 6, 1, 2] *= -1
    outputs[marker, 2, 2] = float("nan")
    outputs[marker - 6, 3, 0] *= -1
    # What is not scored does not matter.
    outputs[2, 4, 2] *= -1
    assert torch.equal(batch.targets[marker, :, 2], torch.ones(5))
    marked = task.score(outputs, batch).marked
    assert marked is not None
    assert marked.tolist() == [False, False, False, True, True]
