from typing import Any

import pytest
import torch

from neuraltape.study.reproduce.probes import PROBES, labels_of, probes_of
from neuraltape.tasks import TASKS, Copy, RepeatCopy, Sequences


def make(name: str) -> Any:
    return TASKS[name]()


@pytest.mark.parametrize("name", TASKS)
def test_the_first_probe_is_the_range_of_training_on_1000_sequences_and_has_a_goal(name: str) -> None:
    first = probes_of(make(name))[0]
    assert (first.length, first.sequences) == (None, 1000)
    assert first.task(make(name)) == make(name)
    assert first.goal is not None
    assert first.goal == TASKS[name].goal


@pytest.mark.parametrize("name", TASKS)
def test_the_others_lie_beyond_it(name: str) -> None:
    task = make(name)
    for probe in PROBES[name][1:]:
        assert probe.length is not None
        assert probe.length > task.longest or (probe.repeats or 0) > task.max_repeats


def test_labels_say_length_copies_and_slots() -> None:
    assert labels_of(Copy()) == ("1-20", "30", "50", "120", "200 (256 slots)")
    assert labels_of(RepeatCopy()) == ("1-10 x 1-10", "20 x 10", "10 x 20")
    assert labels_of(make("priority-sort")) == ("20",)


def test_repeat_copy_is_asked_for_exactly_so_many_copies() -> None:
    task = RepeatCopy()
    batch = PROBES["repeat-copy"][2].task(task).sample(3, torch.Generator().manual_seed(0))
    assert batch.lengths.tolist() == [10 + 1 + 10 * 20 + 1] * 3
    # The count means what it meant in training.
    mean, deviation = task.count_scale
    assert batch.inputs[10, 0, task.bits].item() == pytest.approx((20 - mean) / deviation)


def test_other_tasks_have_none() -> None:
    with pytest.raises(ValueError, match=r"task must be one of copy, .*; got sequences"):
        probes_of(Sequences.__new__(Sequences))
