import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuraltape.tasks import MemoryReuse
from tests.tasks.oracle import Reader, check_bits, check_uniform, readers, seeded


def check_reuse(row: Reader, bits: int) -> list[int]:
    """Check one row from the definition and return how many vectors each of its sequences has."""
    step, sizes = 0, []
    while step < row.length:
        begin = step
        while row.inputs[step][bits] == 0:
            check_bits(row.inputs[step])
            step += 1
        assert row.inputs[step] == [0.0] * bits + [1.0]
        size = step - begin
        answer = slice(step + 1, step + 1 + size)
        assert row.targets[answer] == [vector[:bits] for vector in row.inputs[begin:step]]
        assert not any(any(vector) for vector in row.inputs[answer])
        assert row.mask[begin : step + 1 + size] == [False] * (size + 1) + [True] * size
        assert not any(any(vector) for vector in row.targets[begin : step + 1])
        sizes.append(size)
        step += 1 + size
    assert step == row.length
    return sizes


@given(st.integers(1, 4), st.integers(0, 4), st.integers(1, 4), st.integers(0, 3), st.integers(1, 5))
def test_every_row_is_copies_one_after_the_other(low: int, more: int, fewest: int, others: int, bits: int) -> None:
    task = MemoryReuse(
        min_length=low, max_length=low + more, min_vectors=fewest, max_vectors=fewest + others, bits=bits
    )
    for row in readers(task.sample(5, seeded())):
        sizes = check_reuse(row, bits)
        assert low <= len(sizes) <= low + more
        assert fewest <= min(sizes) <= max(sizes) <= fewest + others


def test_numbers_of_sequences_and_of_vectors_are_uniform_and_independent() -> None:
    found = [check_reuse(row, 2) for row in readers(MemoryReuse(min_vectors=2, bits=2).sample(400, seeded()))]
    check_uniform(torch.tensor([len(sizes) for sizes in found]), 1, 10)
    check_uniform(torch.tensor([size for sizes in found for size in sizes]), 2, 5)
    assert any(len(set(sizes)) > 1 for sizes in found)


def test_fifty_vectors_take_a_hundred_and_ten_steps() -> None:
    batch = MemoryReuse().at_length(10).sample(2, seeded())
    assert batch.lengths.tolist() == [110, 110]
    assert batch.mask.sum(0).tolist() == [50, 50]


def test_given_lengths_are_kept_row_by_row() -> None:
    batch = MemoryReuse().sample(3, seeded(), lengths=torch.tensor([4, 1, 12]))
    assert [len(check_reuse(row, 8)) for row in readers(batch)] == [4, 1, 12]


def test_with_different_sequences_nothing_is_drawn_by_hand() -> None:
    task = MemoryReuse(min_vectors=2)
    assert task.drawing is None
    with pytest.raises(ValueError, match="sequences of memory-reuse can't be drawn by hand"):
        task.draw(3, seeded())


def test_probes_go_on_to_five_times_as_many() -> None:
    assert [probe.label for probe in MemoryReuse().probes] == ["1-10", "10", "20", "50"]


def test_vectors_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="min_vectors must not exceed max_vectors; got 6 and 5"):
        MemoryReuse(min_vectors=6)
