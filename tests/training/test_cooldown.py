import pytest

from neuraltape.training.cooldown import Cooldown
from neuraltape.training.counters import Counters

from .small import small


def cooldown(bound: float | None = 0.1, **loop: object) -> Cooldown:
    return Cooldown(small(**{"cooldown_sequences": 100, "max_sequences": 1000, **loop}).loop, bound)


def at(sequences: int, since: int | None = None) -> Counters:
    return Counters(sequences=sequences, cooling_since=since)


def test_without_a_cool_down_a_good_evaluation_is_confirmed_at_once() -> None:
    assert cooldown(cooldown_sequences=0).ended(at(10), 0.09)
    assert not cooldown(cooldown_sequences=0).ended(at(10), 0.11)


def test_a_good_evaluation_begins_it_and_its_end_asks_for_confirmation() -> None:
    cooling, counters = cooldown(), at(200)
    assert cooling.fraction(counters) is None
    assert not cooling.ended(counters, 0.05)
    assert cooling.fraction(counters) == 0
    assert counters.cooling_since == 200
    counters.sequences = 250
    assert cooling.fraction(counters) == 0.5
    assert not cooling.ended(counters, 5.0)
    counters.sequences = 300
    assert cooling.fraction(counters) == 1
    assert cooling.ended(counters, 0.05)


def test_a_machine_that_fell_back_goes_on_at_the_full_rate() -> None:
    cooling, counters = cooldown(), at(310, since=200)
    assert not cooling.ended(counters, 0.2)
    assert counters.cooling_since is None
    assert cooling.fraction(counters) is None


def test_after_each_cool_down_that_was_not_enough_the_rate_is_lower() -> None:
    cooling, counters = cooldown(cooldown_retry_rate=0.5), at(200)
    for bits, slowed in ((0.05, 1.0), (0.2, 0.5), (0.05, 0.5), (0.2, 0.25)):
        cooling.ended(counters, bits)
        assert cooling.slowed(counters) == slowed
        counters.sequences += 100


def test_a_machine_that_was_found_solved_goes_on_at_the_same_rate() -> None:
    cooling, counters = cooldown(cooldown_retry_rate=0.5), at(200)
    cooling.ended(counters, 0.05)
    counters.sequences += 100
    assert cooling.ended(counters, 0.05)
    counters.solved_at = counters.sequences
    assert cooling.slowed(counters) == 1


def test_without_cool_downs_the_rate_stays() -> None:
    cooling, counters = cooldown(cooldown_sequences=0, cooldown_retry_rate=0.5), at(200)
    assert not cooling.ended(counters, 0.2)
    assert cooling.slowed(counters) == 1


def test_it_can_begin_above_the_bound_and_does_not_end_there() -> None:
    cooling, counters = cooldown(cooldown_below=2.0), at(200)
    cooling.ended(counters, 1.9)
    assert counters.cooling_since == 200
    counters.sequences = 300
    assert not cooling.ended(counters, 1.9)


def test_the_budget_ends_it() -> None:
    assert cooldown().ended(at(1000, since=990), 0.05)
    assert cooldown().ended(at(1000), 0.05)


@pytest.mark.parametrize("bound", [None, 0.1])
def test_nothing_is_cooled_without_a_bound_or_after_it_is_solved(bound: float | None) -> None:
    counters = at(200)
    counters.solved_at = None if bound is None else 100
    assert not cooldown(bound).ended(counters, 0.0)
    assert counters.cooling_since is None


@pytest.mark.parametrize("rate", [0.0, -0.5, 1.5, float("nan")])
def test_a_rate_that_is_no_part_of_the_full_one_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="cooldown_retry_rate must be"):
        cooldown(cooldown_retry_rate=rate)
