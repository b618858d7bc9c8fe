import pytest

from neuraltape.settings.loop_config import LoopConfig
from neuraltape.tasks import Copy
from neuraltape.training.curriculum import WINDOW, Curriculum

TASK = Copy(min_length=2, max_length=40)


def make(kind: str, max_sequences: int = 10**6) -> Curriculum:
    return Curriculum(LoopConfig(curriculum=kind, max_sequences=max_sequences, grow_below=0.1), TASK)  # type: ignore[arg-type]


def test_uniform_draws_from_the_whole_range() -> None:
    assert make("uniform").task == TASK


def test_none_draws_the_longest_only() -> None:
    assert make("none").task == Copy(min_length=40, max_length=40)


def test_growing_starts_short_and_grows_with_success() -> None:
    curriculum = make("growing")
    assert curriculum.task.longest == 4
    for _ in range(WINDOW - 1):
        curriculum.update(0, 0.05)
    assert curriculum.task.longest == 4
    curriculum.update(0, 0.05)
    assert curriculum.task.longest == 8
    assert curriculum.fraction == pytest.approx(0.2)


def test_growing_waits_while_it_costs_too_much() -> None:
    curriculum = make("growing")
    for _ in range(10 * WINDOW):
        curriculum.update(0, 0.15)
    assert curriculum.task.longest == 4


def test_growing_reaches_the_whole_range_in_three_quarters_of_the_budget_without_success() -> None:
    curriculum = make("growing", 1000)
    longest = {}
    for sequences in range(0, 751, 5):
        curriculum.update(sequences, 1.0)
        longest[sequences] = curriculum.task.longest
    assert list(longest.values()) == sorted(longest.values())
    assert longest[500] == 4
    assert longest[700] < 40
    assert longest[750] == 40


def test_growing_goes_on_from_its_state() -> None:
    one, other = make("growing"), make("growing")
    for step in range(WINDOW + 7):
        one.update(step, 0.05)
    other.restore(one.state())
    for step in range(WINDOW):
        one.update(step, 0.05)
        other.update(step, 0.05)
        assert one.task == other.task
    assert one.task.longest == 12
