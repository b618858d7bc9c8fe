import torch
from hypothesis import given
from hypothesis import strategies as st

from neuraltape.tasks import TallyCopy
from tests.tasks.oracle import check_bits, check_uniform, readers, seeded


def check_tally_copy(row, bits: int) -> tuple[int, int]:
    """Check one sequence from the definition and return its vectors and marks."""
    marks = [step for step, vector in enumerate(row.inputs) if vector[bits] == 1]
    count, repeats = marks[0], len(marks)
    assert marks == list(range(count, count + repeats))
    assert sum(vector[bits] for vector in row.inputs) == repeats
    vectors = [row.inputs[step][:bits] for step in range(count)]
    for step, vector in enumerate(row.inputs):
        check_bits(vector)
        if step >= count:
            assert not any(vector[:bits])
    answer = vectors * repeats
    start = count + repeats
    assert row.targets == [[0.0] * (bits + 1)] * start + [[*v, 0.0] for v in answer] + [[0.0] * bits + [1.0]]
    assert row.mask == [False] * start + [True] * (len(answer) + 1)
    return count, repeats


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 4), st.integers(1, 4), st.integers(0, 5))
def test_every_row_is_a_tally_copy_task(bits: int, low: int, more: int, few: int, extra: int) -> None:
    task = TallyCopy(bits=bits, min_length=low, max_length=low + more, min_repeats=few, max_repeats=few + extra)
    batch = task.sample(6, seeded())
    assert batch.inputs.shape[-1] == batch.targets.shape[-1] == bits + 1
    for row in readers(batch):
        vectors, repeats = check_tally_copy(row, bits)
        assert low <= vectors <= low + more
        assert few <= repeats <= few + extra


def test_marks_are_as_many_as_copies_and_uniform() -> None:
    batch = TallyCopy(bits=1, max_length=1).sample(10_000, seeded())
    check_uniform(batch.inputs[..., 1].sum(0).long(), 1, 10)


def test_given_lengths_and_repeats_are_kept_row_by_row() -> None:
    batch = TallyCopy(bits=3).sample(3, seeded(), lengths=torch.tensor([20, 1, 4]), repeats=torch.tensor([10, 30, 1]))
    assert [check_tally_copy(row, 3) for row in readers(batch)] == [(20, 10), (1, 30), (4, 1)]


def test_grown_cuts_answers_and_leaves_all_marks() -> None:
    task = TallyCopy(bits=3)
    cut, whole = task.grown(0.3).sample(40, seeded()), task.sample(40, seeded())
    steps = min(len(cut.inputs), len(whole.inputs))
    assert torch.equal(cut.inputs[:steps], whole.inputs[:steps])
    for row, full in zip(readers(cut), readers(whole), strict=True):
        vectors, repeats = check_tally_copy(full, 3)
        assert row.length == (full.length if repeats <= 3 else vectors + repeats + vectors * 3)
        assert (row.mask, row.targets) == (full.mask[: row.length], full.targets[: row.length])
