import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuraltape.tasks import Copy
from tests.tasks.oracle import check_bits, readers, seeded


def check_copy(row, bits: int) -> int:
    """Check one sequence from the definition and return how many vectors it has."""
    assert row.length % 2 == 1
    count = row.length // 2
    for step, vector in enumerate(row.inputs):
        assert vector[bits] == (1.0 if step == count else 0.0)
        check_bits(vector)
        if step >= count:
            assert not any(vector[:bits])
    for step in range(row.length):
        assert row.mask[step] == (step > count)
        if step > count:
            assert row.targets[step] == row.inputs[step - count - 1][:bits]
        else:
            assert not any(row.targets[step])
    return count


@given(st.integers(1, 9), st.integers(1, 6), st.integers(0, 6), st.integers(1, 9))
def test_every_row_is_a_copy_task(bits: int, shortest: int, more: int, size: int) -> None:
    task = Copy(bits=bits, min_length=shortest, max_length=shortest + more)
    batch = task.sample(size, seeded())
    assert batch.inputs.shape[-1] == bits + 1
    for row in readers(batch):
        assert shortest <= check_copy(row, bits) <= shortest + more


def test_given_lengths_are_kept_row_by_row() -> None:
    batch = Copy().sample(3, seeded(), lengths=torch.tensor([30, 1, 7]))
    assert [check_copy(row, 8) for row in readers(batch)] == [30, 1, 7]
    assert batch.lengths.tolist() == [61, 3, 15]


def test_the_vectors_are_random() -> None:
    batch = Copy().sample(500, seeded(), lengths=20)
    # 80,000 coins: standard deviation 0.0018.
    assert abs(float(batch.inputs[:20, :, :8].mean()) - 0.5) < 0.009


def test_the_example_shows_the_flag_between_question_and_answer() -> None:
    lines = Copy(bits=2).example().splitlines()
    assert lines[3].split() == ["end", "flag", "......#......"]


def test_blank_vectors_are_as_frequent_as_asked_for() -> None:
    batch = Copy(bits=30, min_length=20, blank_vectors=0.2).sample(1_000, seeded())
    blank = (batch.inputs[:20, :, :30] == 0).all(-1)
    # Of 20,000 vectors; standard deviation 0.003.
    assert abs(float(blank.double().mean()) - 0.2) < 0.015
    for row in readers(batch):
        check_copy(row, 30)


def test_blank_vectors_are_practised_and_not_scored() -> None:
    task = Copy(blank_vectors=0.5)
    assert [each.blank_vectors for each in (task.held_out(), task.at_length(5))] == [0.0, 0.0]
    assert [each.blank_vectors for each in (task.longest_only(), task.grown(0.5))] == [0.5, 0.5]
    assert (task.longest_only().min_length, task.longest_only().max_length) == (20, 20)


@pytest.mark.parametrize("share", [-0.1, 1.0, math.nan])
def test_a_share_of_blank_vectors_that_cannot_be_is_an_error(share: float) -> None:
    with pytest.raises(ValueError, match="blank_vectors must be at least 0 and below 1; got"):
        Copy(blank_vectors=share)


def test_probes_go_on_to_ten_times_the_longest() -> None:
    assert [probe.label for probe in Copy().probes] == ["1-20", "30", "50", "120", "200 (256 slots)"]
    assert [probe.label for probe in Copy(max_length=80).probes] == ["1-80", "80", "160", "800"]
