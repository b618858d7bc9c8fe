import pytest
import torch

from neuraltape.tasks import TASKS, Copy, Probe, RepeatCopy, Sequences, Task

PUBLISHED = [name for name, task in TASKS.items() if task.paper_parameters]


def labels(task: Task) -> list[str]:
    return [probe.label for probe in task.probes]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_first_probe_is_the_range_of_training_on_1000_sequences_and_has_the_tasks_goal(name: str) -> None:
    task = TASKS[name]()
    first = task.probes[0]
    assert (first.task, first.sequences, first.memory_slots) == (task, 1000, None)
    assert first.goal == task.goal is not None


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_others_lie_beyond_it(name: str) -> None:
    task = TASKS[name]()
    for probe in task.probes[1:]:
        assert probe.task.shortest == probe.task.longest
        copies = getattr(probe.task, "max_repeats", 0) > getattr(task, "max_repeats", 0)
        assert probe.task.longest > task.longest or copies


def test_what_is_for_practice_only_is_not_scored() -> None:
    practised = Copy(blank_vectors=0.3)
    assert [probe.task for probe in practised.probes] == [probe.task for probe in Copy().probes]
    assert all(probe.task.held_out() is probe.task for probe in RepeatCopy(asked_repeats=2).probes)


def test_labels_say_length_copies_and_slots() -> None:
    assert labels(Copy()) == ["1-20", "30", "50", "120", "200 (256 slots)"]
    assert labels(RepeatCopy()) == ["1-10 x 1-10", "20 x 10", "10 x 20"]
    assert labels(TASKS["associative-recall"]()) == ["2-6", "8", "10", "12", "15", "20"]
    assert labels(TASKS["priority-sort"]()) == ["20"]
    assert Probe(Copy(), memory_slots=8).label == "1-20 (8 slots)"


def test_repeat_copy_is_asked_for_exactly_so_many_copies() -> None:
    task = RepeatCopy()
    batch = task.probes[2].task.sample(3, torch.Generator().manual_seed(0))
    assert batch.lengths.tolist() == [10 + 1 + 10 * 20 + 1] * 3
    # The count means what it meant in training.
    mean, deviation = task.count_scale
    assert batch.inputs[10, 0, task.bits].item() == pytest.approx((20 - mean) / deviation)


def test_a_task_without_published_results_has_none() -> None:
    assert Sequences.__new__(Sequences).probes == ()


def test_the_papers_machines_are_counted_by_kind() -> None:
    assert PUBLISHED == ["copy", "repeat-copy", "associative-recall", "ngrams", "priority-sort"]
    assert all(set(TASKS[name].paper_parameters) == {"lstm", "feedforward", "baseline"} for name in PUBLISHED)
    assert TASKS["copy"].paper_parameters["lstm"] == 67_561
