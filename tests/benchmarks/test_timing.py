from types import SimpleNamespace

import pytest

from benchmarks import timing
from benchmarks.timing import QUICK, TURN, Effort, Spread, take_turns


def test_the_sides_take_turns() -> None:
    called: list[str] = []
    taken = take_turns({name: lambda name=name: called.append(name) for name in "abc"}, 0, Effort(scale=1, rounds=4))
    turns = [name for i, name in enumerate(called) if i == 0 or called[i - 1] != name]
    # One turn each to see how long a call takes, then the rounds.
    assert "".join(turns) == "abc" * 5
    assert {name: len(spread.rounds) for name, spread in taken.items()} == {"a": 4, "b": 4, "c": 4}


def test_a_ratio_is_taken_round_by_round() -> None:
    # The second round was twice as slow for both: that is no spread of the ratio.
    assert Spread((1.0, 2.0)).over(Spread((2.0, 4.0))).rounds == (0.5, 0.5)


def test_quartiles_enclose_the_median() -> None:
    spread = Spread((5.0, 1.0, 2.0, 4.0, 3.0))
    assert (spread.quartiles, spread.median) == ((2.0, 4.0), 3.0)
    assert Spread((7.0,)).quartiles == (7.0, 7.0)


def test_no_rounds_are_an_error() -> None:
    with pytest.raises(ValueError, match="rounds must hold at least one number"):
        Spread(())
    with pytest.raises(ValueError, match="got 1 and 0"):
        Effort(scale=1, rounds=0)


def test_a_quick_run_takes_the_first_sizes_only() -> None:
    assert QUICK.some((1, 16, 64)) == (1, 16)


@pytest.mark.parametrize("call_takes", [TURN / 100, TURN / 2, 2 * TURN])
def test_what_the_side_before_left_running_is_not_timed(monkeypatch: pytest.MonkeyPatch, call_takes: float) -> None:
    now, busy_until = 0.0, 0.0
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: now))

    def leaves_work_behind() -> None:
        nonlocal now, busy_until
        now += TURN
        busy_until = now + 0.8 * TURN

    def suffers() -> None:
        nonlocal now
        now += call_takes * (2 if now < busy_until else 1)

    taken = take_turns({"leaves": leaves_work_behind, "suffers": suffers}, 0, Effort(scale=1, rounds=2))
    assert taken["suffers"].rounds == pytest.approx((call_takes, call_takes))
