import pytest
import torch
from torch import Tensor, nn

from neuraltape import NTM, LSTMBaseline
from neuraltape.study import score as module
from neuraltape.study.score import score
from neuraltape.tasks import Copy, Goal, NGrams, Probe, RepeatCopy
from neuraltape.tasks.batch import Batch
from tests.study.made_up import score as made_up

SMALL = Copy(max_length=3, bits=2)


def machine(task: Copy | RepeatCopy, slots: int = 8, **options: bool) -> NTM:
    torch.manual_seed(0)
    return NTM(task.input_size, 6, task.output_size, memory_slots=slots, memory_width=4, **options)


def answers(monkeypatch: pytest.MonkeyPatch, spoil: list[tuple[int, int, int]]) -> None:
    """Let every machine give the right outputs, but for those of the first batch at (sequence, step, channel)."""
    left = list(spoil)

    def outputs(model: nn.Module, batch: Batch) -> Tensor:
        right = batch.targets * 40 - 20
        while left:
            sequence, step, channel = left.pop()
            right[step, sequence, channel] *= -1
        return right

    monkeypatch.setattr(module, "outputs_of", outputs)


def test_a_perfect_machine_has_no_wrong_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, [])
    found = score(machine(SMALL), SMALL, Probe(SMALL.at_length(5), sequences=70), seed=0)
    assert found is not None
    assert (found.label, found.sequences, found.wrong_worst, found.perfect, found.marker) == ("5", 70, 0, 1, None)
    assert found.bits < 1e-6


def test_wrong_bits_are_counted_by_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, [(0, 6, 0), (0, 7, 1), (3, 8, 0)])
    found = score(machine(SMALL), SMALL, Probe(SMALL.at_length(5), sequences=60), seed=0)
    assert found is not None
    assert found.wrong_mean == pytest.approx(3 / 60)
    assert (found.wrong_median, found.wrong_worst) == (0, 2)
    assert found.perfect == pytest.approx(58 / 60, abs=1e-6)


def test_the_median_of_an_even_number_lies_between_the_two_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two of four sequences have three wrong bits.
    answers(monkeypatch, [(sequence, step, 0) for sequence in (1, 2) for step in (6, 7, 8)])
    found = score(machine(SMALL), SMALL, Probe(SMALL.at_length(5), sequences=4), seed=0)
    assert found is not None
    assert (found.wrong_median, found.wrong_mean, found.wrong_worst, found.perfect) == (1.5, 1.5, 3, 0.5)


def test_the_end_marker_has_to_come_at_its_step_and_at_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    task = RepeatCopy(max_length=3, max_repeats=2, bits=2)
    # 4 vectors, 2 copies: the marker's step is 13. One sequence misses it, one has one too early, one a wrong bit.
    answers(monkeypatch, [(0, 13, 2), (1, 7, 2), (2, 7, 0)])
    found = score(machine(task), task, Probe(task.at_length(4, 2), sequences=10), seed=0)
    assert found is not None
    assert (found.marker, found.perfect) == (0.8, 0.7)
    assert not found.within(Goal("wrong", 1))


def test_the_same_seed_gives_the_same_sequences() -> None:
    model = machine(SMALL)
    assert score(model, SMALL, Probe(SMALL), seed=1) == score(model, SMALL, Probe(SMALL), seed=1)
    assert score(model, SMALL, Probe(SMALL), seed=1) != score(model, SMALL, Probe(SMALL), seed=2)


def test_more_slots_run_the_same_weights() -> None:
    task, model = SMALL, machine(SMALL, slots=8)
    few, many = (
        score(model, task, Probe(task.at_length(30), memory_slots=slots, sequences=5), seed=0) for slots in (8, 64)
    )
    same = score(model, task, Probe(task.at_length(30), sequences=5), seed=0)
    assert few is not None
    assert many is not None
    assert same is not None
    assert model.memory_slots == 8
    # The label chooses the sequences, so only the same label can be compared exactly.
    assert few.label == "30 (8 slots)"
    assert many.bits == pytest.approx(same.bits, rel=0.5)


def test_a_start_that_is_kept_slot_by_slot_allows_no_other_number() -> None:
    model = machine(SMALL, train_initial_memory=True)
    assert score(model, SMALL, Probe(SMALL.at_length(30), memory_slots=64, sequences=5), seed=0) is None


def test_a_machine_without_memory_has_no_slots_to_change() -> None:
    model = LSTMBaseline(SMALL.input_size, 4, SMALL.output_size)
    assert score(model, SMALL, Probe(SMALL.at_length(30), memory_slots=64, sequences=5), seed=0) is not None


def test_ngrams_are_compared_with_the_optimum() -> None:
    task = NGrams(min_length=20, max_length=20)
    model = LSTMBaseline(task.input_size, 4, task.output_size)
    found = score(model, task, Probe(task, sequences=20), seed=0)
    assert found is not None
    assert found.optimum is not None
    assert found.excess == found.bits - found.optimum > 0


def test_goals() -> None:
    assert made_up("120", wrong=0.99).within(Goal("wrong", 1))
    assert not made_up("120", wrong=1.0).within(Goal("wrong", 1))
    assert made_up("200", bits=100.4, optimum=100.0).within(Goal("excess", 0.5))
    assert not made_up("20 x 10", marker=0.99).within(Goal("wrong", 1))
    assert made_up("1-10 x 1-10", bits=0.09, marker=0.99).within(Goal("bits", 0.1))
