from dataclasses import replace

import pytest
import torch

from neuraltape.tasks import AssociativeRecall, Copy, MemoryReuse, NGrams, PrioritySort, RepeatCopy
from neuraltape.tasks.ranged import RangedTask
from neuraltape.tasks.repeated import RepeatedTask
from tests.tasks.oracle import check_uniform, seeded
from tests.tasks.test_task import SMALL

# From a task's steps back to its length, for sequences without repeats.
LENGTH_OF = {
    "copy": lambda steps: (steps - 1) // 2,
    "repeat-copy": lambda steps: (steps - 2) // 2,
    "associative-recall": lambda steps: (steps - 8) // 4,
    "ngrams": lambda steps: steps + 1,
}


@pytest.mark.parametrize(
    "task",
    [
        Copy(bits=1),
        RepeatCopy(bits=1, max_repeats=1),
        AssociativeRecall(bits=1),
        NGrams(min_length=6, max_length=15),
    ],
    ids=lambda task: task.name,
)
def test_lengths_are_uniform_and_independent(task: RangedTask) -> None:
    steps = task.sample(10_000, seeded()).lengths
    lengths = LENGTH_OF[task.name](steps)
    check_uniform(lengths, task.shortest, task.longest)
    centred = lengths.double() - lengths.double().mean()
    correlation = float((centred[1:] * centred[:-1]).mean() / centred.square().mean())
    # Standard deviation 0.01.
    assert abs(correlation) < 0.05


@pytest.mark.parametrize("task", SMALL, ids=lambda task: task.name)
def test_at_length_draws_that_length_only_even_beyond_the_range(task: RangedTask) -> None:
    length = 40 if task.most is None else min(40, task.most)
    assert length > task.longest
    if isinstance(task, MemoryReuse):
        # Its steps follow from its length alone where all its sequences are as long.
        task = replace(task, min_vectors=task.max_vectors)
    fixed = task.at_length(length)
    assert type(fixed) is type(task)
    assert (fixed.shortest, fixed.longest) == (length, length)
    given = task.sample(3, seeded(), lengths=length)
    assert fixed.input_size == given.inputs.shape[-1]
    if not isinstance(task, RepeatedTask):
        assert torch.equal(fixed.sample(3, seeded()).lengths, given.lengths)
    else:
        assert torch.equal(
            fixed.sample(3, seeded(), repeats=2).lengths, task.sample(3, seeded(), lengths=length, repeats=2).lengths
        )


@pytest.mark.parametrize("task", SMALL, ids=lambda task: task.name)
def test_longest_only_is_at_the_upper_end(task: RangedTask) -> None:
    only = task.longest_only()
    assert (only.shortest, only.longest) == (task.longest, task.longest)


@pytest.mark.parametrize(
    "task", [task for task in SMALL if not isinstance(task, RepeatedTask)], ids=lambda task: task.name
)
def test_grown_moves_the_upper_end_alone(task: RangedTask) -> None:
    assert task.grown(1.0) == task
    assert task.grown(1.0).longest == task.longest
    assert task.grown(0.0).longest == task.shortest
    assert task.grown(0.5).shortest == task.shortest
    assert task.grown(0.5).longest == max(task.shortest, round(task.longest / 2))


def test_the_ranges_are_those_of_the_paper() -> None:
    assert [(task.shortest, task.longest) for task in (Copy(), RepeatCopy(), AssociativeRecall())] == [
        (1, 20),
        (1, 10),
        (2, 6),
    ]
    assert (NGrams().shortest, NGrams().longest) == (200, 200)
    assert (PrioritySort().shortest, PrioritySort().longest) == (20, 20)
    assert (RepeatCopy().min_repeats, RepeatCopy().max_repeats) == (1, 10)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Copy(min_length=0), "min_length must be an integer of at least 1; got 0"),
        (lambda: Copy(max_length=2.5), "max_length must be an integer of at least 1; got 2.5"),
        (lambda: Copy(min_length=5, max_length=4), "min_length must not exceed max_length; got 5 and 4"),
        (lambda: Copy(bits=0), "bits must be an integer of at least 1; got 0"),
        (lambda: Copy().at_length(0), "min_length must be an integer of at least 1; got 0"),
        (lambda: RepeatCopy(min_repeats=0), "min_repeats must be"),
        (lambda: RepeatCopy(min_repeats=3, max_repeats=2), "min_repeats must not exceed max_repeats; got 3 and 2"),
        (lambda: RepeatCopy(bits=0), "bits must be"),
        (lambda: RepeatCopy(count_mean=float("nan")), "count_mean must be finite"),
        (lambda: RepeatCopy(count_deviation=0.0), "count_deviation must be above 0"),
        (lambda: AssociativeRecall(min_length=1), "min_length must be an integer of at least 2; got 1"),
        (lambda: AssociativeRecall(item_vectors=0), "item_vectors must be"),
        (lambda: AssociativeRecall(bits=0), "bits must be"),
        (lambda: NGrams(context_bits=0), "context_bits must be"),
        (lambda: NGrams(context_bits=17), "context_bits must be at most 16"),
        (lambda: NGrams(min_length=5), "min_length must be an integer of at least 6; got 5"),
        (lambda: PrioritySort(answers=0), "answers must be"),
        (lambda: PrioritySort(answers=21), "answers must not exceed max_length, 20; got 21"),
        (lambda: PrioritySort(bits=0), "bits must be"),
        (lambda: PrioritySort().at_length(0), "length must be an integer of at least 1; got 0"),
        (lambda: RepeatCopy().sample(1, seeded(), repeats=0), "repeats must be an integer of at least 1"),
        (lambda: AssociativeRecall().sample(1, seeded(), lengths=1), "lengths must be an integer of at least 2"),
    ],
)
def test_an_option_that_cannot_be_is_an_error(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_misspelt_option_fails() -> None:
    with pytest.raises(TypeError, match="max_lenght"):
        Copy(max_lenght=5)
