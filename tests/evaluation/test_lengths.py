import pytest
import torch

from neuraltape.evaluation import evaluate, usual_lengths
from neuraltape.nn import NTM, LSTMBaseline
from neuraltape.tasks import AssociativeRecall, Copy, NGrams, Omniglot, PrioritySort
from neuraltape.tasks.score import Score
from tests.evaluation.machines import Constant, Copier


def test_a_perfect_machine_has_no_errors_far_beyond_training() -> None:
    rows = evaluate(Copier(), Copy(), [1, 20, 300], sequences=3)
    assert [row.length for row in rows] == [1, 20, 300]
    for row in rows:
        assert (row.wrong_mean, row.wrong_median, row.wrong_worst, row.perfect) == (0, 0, 0, 1)
        # 2,400 bits at logits of 20 cost 7e-6 bits.
        assert row.bits < 1e-4
        assert row.optimum is None


def test_wrong_bits_are_counted() -> None:
    (row,) = evaluate(Copier(faults=3), Copy(), [10], sequences=4)
    assert (row.wrong_mean, row.wrong_median, row.wrong_worst, row.perfect) == (3, 3, 3, 0)


def test_mean_median_and_worst_differ_where_sequences_differ() -> None:
    # Always 1: as many errors as there are zeros, about half of 16.
    (row,) = evaluate(Constant(9, [1.0] * 8), Copy(), [2], sequences=50)
    assert 6 < row.wrong_mean < 10
    assert row.wrong_worst > row.wrong_median >= 6


def test_the_median_of_an_even_number_lies_between_the_two_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = torch.tensor([0.0, 7.0, 1.0, 4.0])
    monkeypatch.setattr("neuraltape.evaluation.lengths._scores", lambda *_: Score(wrong, wrong, None))
    (row,) = evaluate(Copier(), Copy(), [2], sequences=4)
    assert (row.wrong_median, row.wrong_mean, row.wrong_worst, row.perfect) == (2.5, 3.0, 7.0, 0.25)


@pytest.mark.parametrize("sequences", [1, 50, 51, 120])
def test_every_sequence_is_scored_once(sequences: int) -> None:
    (row,) = evaluate(Copier(), Copy(), [2], sequences=sequences)
    assert row.sequences == sequences


def test_a_score_does_not_depend_on_the_other_lengths() -> None:
    machine = Constant(9, [1.0] * 8)
    alone = evaluate(machine, Copy(), [7], sequences=5, seed=3)
    assert alone[0] == evaluate(machine, Copy(), [2, 9, 7], sequences=5, seed=3)[2]
    assert alone != evaluate(machine, Copy(), [7], sequences=5, seed=4)


def test_the_optimum_is_given_where_a_task_has_one() -> None:
    (row,) = evaluate(LSTMBaseline(1, 4, 1), NGrams(), [50], sequences=5)
    assert row.optimum is not None
    assert 0 < row.optimum < row.bits


def test_batch_first_machines_and_float64_are_scored_alike() -> None:
    expected = evaluate(Copier(faults=1), Copy(), [5], sequences=4)
    assert evaluate(Copier(faults=1, batch_first=True), Copy(), [5], sequences=4) == expected
    double = evaluate(Copier(faults=1).double(), Copy(), [5], sequences=4)
    # Measured: 2e-8 bits of 29.
    assert double[0].bits == pytest.approx(expected[0].bits, abs=1e-5)


def test_gradients_are_not_kept() -> None:
    machine = NTM(9, 8, 8, memory_slots=8, memory_width=4)
    evaluate(machine, Copy(), [3], sequences=2)
    assert all(parameter.grad is None for parameter in machine.parameters())


@pytest.mark.parametrize(
    ("lengths", "options", "message"),
    [
        ([], {}, "lengths must be one or more"),
        ([0], {}, "positive integers; got 0"),
        ([5, -1], {}, "positive integers; got -1"),
        ([2.5], {}, "positive integers; got 2.5"),
        ([5], {"sequences": 0}, "sequences must be a positive integer; got 0"),
    ],
)
def test_what_cannot_be_is_refused(lengths: list, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(Copier(), Copy(), lengths, **options)


def test_a_length_below_the_least_of_the_task_is_refused() -> None:
    task = AssociativeRecall()
    machine = LSTMBaseline(task.input_size, 4, task.output_size)
    with pytest.raises(ValueError, match="associative-recall must be at least 2; got 1"):
        evaluate(machine, task, [1])


def test_usual_lengths_stay_within_what_a_task_can_be() -> None:
    task = Omniglot(min_length=3, max_length=8, labels=10)
    assert usual_lengths(task) == [4, 8, 10]
    with pytest.raises(ValueError, match="lengths of omniglot must be at most 10; got 11"):
        evaluate(LSTMBaseline(410, 4, 10), task, [11])


def test_a_machine_of_another_task_is_refused() -> None:
    with pytest.raises(ValueError, match="input_size 1 for the task ngrams; it has 9"):
        evaluate(Copier(), NGrams(), [20])


def test_usual_lengths_of_copy_are_those_of_the_paper() -> None:
    assert usual_lengths(Copy()) == [10, 20, 30, 50, 120]
    assert usual_lengths(PrioritySort())[0] == 20
