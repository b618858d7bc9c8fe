import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuraltape.tasks import RepeatCopy
from tests.tasks.oracle import check_bits, check_uniform, readers, seeded


def check_repeat_copy(row, bits: int, mean: float, deviation: float) -> tuple[int, int]:
    """Check one sequence from the definition and return its vectors and repeats."""
    count = row.mask.index(True) - 1
    repeats = (row.length - count - 2) / count
    assert repeats == int(repeats)
    vectors = [row.inputs[step][:bits] for step in range(count)]
    for step, vector in enumerate(row.inputs):
        check_bits(vector[:bits])
        if step == count:
            # Measured: 1e-8, rounding to float32.
            assert vector[bits] == pytest.approx((repeats - mean) / deviation, abs=1e-6, rel=1e-6)
        else:
            assert vector[bits] == 0
        if step >= count:
            assert not any(vector[:bits])
    answer = vectors * int(repeats)
    expected = [[0.0] * (bits + 1)] * (count + 1) + [[*v, 0.0] for v in answer] + [[0.0] * bits + [1.0]]
    assert row.targets == expected
    assert row.mask == [False] * (count + 1) + [True] * (len(answer) + 1)
    return count, int(repeats)


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 4), st.integers(1, 4), st.integers(0, 5))
def test_every_row_is_a_repeat_copy_task(bits: int, low: int, more: int, few: int, extra: int) -> None:
    task = RepeatCopy(bits=bits, min_length=low, max_length=low + more, min_repeats=few, max_repeats=few + extra)
    counts = list(range(few, few + extra + 1))
    mean = sum(counts) / len(counts)
    deviation = math.sqrt(sum((n - mean) ** 2 for n in counts) / len(counts)) or 1.0
    batch = task.sample(6, seeded())
    assert batch.inputs.shape[-1] == batch.targets.shape[-1] == bits + 1
    for row in readers(batch):
        vectors, repeats = check_repeat_copy(row, bits, mean, deviation)
        assert low <= vectors <= low + more
        assert few <= repeats <= few + extra


def test_the_count_has_mean_0_and_variance_1_over_the_trained_range() -> None:
    batch = RepeatCopy(bits=1, max_length=1).sample(20_000, seeded())
    channel = batch.inputs[1, :, 1].double()
    # Standard deviations 0.007 and 0.006.
    assert abs(float(channel.mean())) < 0.035
    assert abs(float(channel.var()) - 1) < 0.03
    check_uniform(batch.lengths - 3, 1, 10)


def test_repeats_do_not_depend_on_lengths() -> None:
    batch = RepeatCopy(bits=1).sample(20_000, seeded())
    rows = torch.arange(20_000)
    vectors = batch.mask.long().argmax(0) - 1
    count = batch.inputs[vectors, rows, 1].double()
    centred = vectors.double() - vectors.double().mean()
    # Standard deviation 0.007.
    assert abs(float((centred * count).mean() / centred.std())) < 0.035


def test_given_lengths_and_repeats_are_kept_row_by_row() -> None:
    batch = RepeatCopy(bits=3).sample(3, seeded(), lengths=torch.tensor([20, 1, 4]), repeats=torch.tensor([10, 30, 1]))
    mean, deviation = 5.5, math.sqrt(8.25)
    assert [check_repeat_copy(row, 3, mean, deviation) for row in readers(batch)] == [(20, 10), (1, 30), (4, 1)]


@pytest.mark.parametrize(
    "change",
    [
        lambda task: task.at_length(20),
        lambda task: task.at_length(2, repeats=20),
        lambda task: task.grown(0.2).at_length(3, 40),
        lambda task: task.longest_only(),
    ],
)
def test_the_scale_of_the_count_stays_when_the_range_moves(change) -> None:
    task = change(RepeatCopy(bits=2))
    assert task.count_scale == (5.5, math.sqrt(8.25))
    for row in readers(task.sample(5, seeded())):
        vectors, repeats = check_repeat_copy(row, 2, 5.5, math.sqrt(8.25))
        assert task.shortest <= vectors <= task.longest
        assert task.min_repeats <= repeats <= task.max_repeats


def test_grown_cuts_answers_and_leaves_what_is_shown() -> None:
    task = RepeatCopy(bits=3)
    for fraction, asked in ((0.0, 1), (0.1, 1), (0.5, 5), (1.0, 10)):
        grown, whole = task.grown(fraction).sample(40, seeded()), task.sample(40, seeded())
        steps = min(len(grown.inputs), len(whole.inputs))
        assert torch.equal(grown.inputs[:steps], whole.inputs[:steps])
        for row, full in zip(readers(grown), readers(whole), strict=True):
            vectors, repeats = check_repeat_copy(full, 3, 5.5, math.sqrt(8.25))
            expected = full.length if repeats <= asked else vectors + 1 + vectors * asked
            assert row.length == expected
            assert row.mask == full.mask[:expected]
            assert row.targets == full.targets[:expected]


def test_an_answer_that_is_cut_has_no_targets_after_its_end() -> None:
    batch = RepeatCopy(bits=2, asked_repeats=1).sample(2, seeded(), lengths=torch.tensor([1, 6]), repeats=2)
    assert batch.lengths.tolist() == [3, 13]
    assert not batch.mask[3:, 0].any()
    assert not batch.targets[3:, 0].any()


def test_blank_vectors_are_as_frequent_as_asked_for() -> None:
    batch = RepeatCopy(bits=30, min_length=10, blank_vectors=0.2).sample(2_000, seeded(), repeats=1)
    blank = (batch.inputs[:10, :, :30] == 0).all(-1)
    # Of 20,000 vectors; standard deviation 0.003.
    assert abs(float(blank.double().mean()) - 0.2) < 0.015
    for row in readers(batch):
        check_repeat_copy(row, 30, 5.5, math.sqrt(8.25))


@pytest.mark.parametrize(
    "scored",
    [lambda task: task.held_out(), lambda task: task.grown(0.1).at_length(5), lambda task: task.at_length(5, 7)],
)
def test_what_is_practised_is_not_what_is_scored(scored) -> None:
    task = scored(RepeatCopy(blank_vectors=0.5, asked_repeats=2))
    assert (task.blank_vectors, task.asked_repeats) == (0.0, None)
    assert task.count_scale == RepeatCopy().count_scale


def test_the_scale_can_be_given() -> None:
    task = RepeatCopy(max_repeats=9, count_mean=0.0, count_deviation=10.0)
    batch = task.sample(1, seeded(), lengths=1, repeats=5)
    assert float(batch.inputs[1, 0, 8]) == 0.5
