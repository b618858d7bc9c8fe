import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuraltape.tasks import PrioritySort
from tests.tasks.oracle import check_bits, readers, seeded


def check_sort(row, bits: int) -> tuple[int, int]:
    """Check one sequence from the definition and return its vectors and answers."""
    flags = [step for step, vector in enumerate(row.inputs) if vector[bits + 1]]
    assert len(flags) == 1
    count = flags[0]
    assert row.inputs[count] == [0.0] * (bits + 1) + [1.0]
    assert not any(any(vector) for vector in row.inputs[count + 1 :])
    pairs = [(vector[bits], vector[:bits]) for vector in row.inputs[:count]]
    for priority, vector in pairs:
        assert -1 < priority < 1
        check_bits(vector)
    answers = row.length - count - 1
    ranked = sorted(pairs, key=lambda pair: -pair[0])
    assert row.targets[count + 1 :] == [vector for _, vector in ranked[:answers]]
    assert not any(any(vector) for vector in row.targets[: count + 1])
    assert row.mask == [False] * (count + 1) + [True] * answers
    return count, answers


def test_a_sequence_is_20_vectors_and_the_16_highest_of_them() -> None:
    batch = PrioritySort().sample(50, seeded())
    assert batch.inputs.shape == (37, 50, 10)
    assert [check_sort(row, 8) for row in readers(batch)] == [(20, 16)] * 50


@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 5), st.data())
def test_every_row_is_a_sort_task(bits: int, low: int, more: int, data) -> None:
    high = low + more
    task = PrioritySort(bits=bits, min_length=low, max_length=high, answers=data.draw(st.integers(1, high)))
    for row in readers(task.sample(5, seeded())):
        count, answers = check_sort(row, bits)
        assert low <= count <= high
        exact = task.answers / high * count
        assert answers == 1 or abs(answers - exact) <= 0.5
        assert 1 <= answers <= count


@pytest.mark.parametrize(("length", "answers"), [(1, 1), (5, 4), (10, 8), (20, 16), (30, 24), (40, 32)])
def test_other_lengths_ask_for_answers_in_proportion(length: int, answers: int) -> None:
    assert PrioritySort().at_length(length).answers == answers
    fixed = PrioritySort().at_length(length).sample(2, seeded())
    given_ = PrioritySort().sample(2, seeded(), lengths=length)
    for batch in (fixed, given_):
        assert [check_sort(row, 8) for row in readers(batch)] == [(length, answers)] * 2


def test_at_length_takes_its_own_answers() -> None:
    batch = PrioritySort().at_length(7, answers=2).sample(2, seeded())
    assert [check_sort(row, 8) for row in readers(batch)] == [(7, 2)] * 2


def test_grown_keeps_the_proportion() -> None:
    task = PrioritySort(min_length=2).grown(0.5)
    assert (task.min_length, task.max_length, task.answers) == (2, 10, 8)


def test_lengths_may_differ_within_a_batch() -> None:
    batch = PrioritySort().sample(3, seeded(), lengths=torch.tensor([5, 20, 1]))
    assert [check_sort(row, 8) for row in readers(batch)] == [(5, 4), (20, 16), (1, 1)]


def test_of_equal_priorities_the_earlier_comes_first(monkeypatch) -> None:
    monkeypatch.setattr(
        "neuraltape.tasks.priority_sort.random_priorities", lambda *shape, generator: torch.full(shape, 0.5)
    )
    batch = PrioritySort().sample(1, seeded())
    assert torch.equal(batch.targets[21:, 0], batch.inputs[:16, 0, :8])


def test_a_short_sequence_asks_for_one_answer_at_least() -> None:
    batch = PrioritySort(min_length=1, answers=1).sample(3, seeded(), lengths=4)
    assert batch.mask.sum(0).tolist() == [1, 1, 1]
