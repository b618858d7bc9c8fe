"""What training changes over time, without any training."""

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

from neuraltape.settings import AdamSettings, Settings
from neuraltape.tasks import Copy, Goal, GraphTraversal
from neuraltape.tasks.task import Task
from neuraltape.training.counters import Counters
from neuraltape.training.phases import (
    cooled_share,
    note_gap,
    note_restart,
    note_rewind,
    note_score,
    note_step,
    phase_of,
    stages_of,
)

from .small import NTM, small


@dataclass(frozen=True, kw_only=True)
class Easy(Copy):
    """Copy with a goal of its own."""

    goal: ClassVar[Goal | None] = Goal("bits", 0.1)


@dataclass(frozen=True, kw_only=True)
class Endless(Copy):
    """Copy that is never over."""

    goal: ClassVar[Goal | None] = Goal("bits", 0.1, ends_training=False)


@dataclass(frozen=True, kw_only=True)
class Open(Copy):
    """Copy without a goal."""

    goal: ClassVar[Goal | None] = None


def rate(step: int, steps: int = 10, counters: Counters | None = None, **optimizer: Any) -> float:
    settings = small(optimizer=AdamSettings(**optimizer), max_sequences=4 * steps, cooldown_sequences=100)
    return phase_of(settings, step, counters or Counters()).rate


def test_a_constant_rate_stays() -> None:
    assert {rate(step, learning_rate=0.5) for step in range(10)} == {0.5}


def test_warm_up_rises_evenly_to_the_rate() -> None:
    rates = [rate(step, learning_rate=1.0, warmup_steps=4) for step in range(6)]
    assert rates == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_linear_falls_to_zero_after_the_last_step() -> None:
    rates = [rate(step, 6, learning_rate=1.0, schedule="linear", warmup_steps=2) for step in range(2, 8)]
    assert rates == [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]


def test_cosine_is_at_half_in_the_middle_and_at_zero_in_the_end() -> None:
    rates = [rate(step, 4, learning_rate=1.0, schedule="cosine") for step in range(5)]
    # 2^-1/2 / 2 + 1/2 at a quarter; agrees to 1e-16.
    assert rates == pytest.approx([1.0, 0.8535533905932737, 0.5, 0.1464466094067263, 0.0], abs=1e-15)


def test_a_cool_down_scales_what_the_schedule_gives() -> None:
    linear = {"learning_rate": 1.0, "schedule": "linear"}
    assert rate(2, 4, Counters(sequences=175, cooling_since=100), **linear) == 0.125
    assert rate(2, 4, Counters(sequences=200, cooling_since=100), **linear) == 0
    assert rate(2, 4, Counters(sequences=900, cooling_since=100), **linear) == 0


def cooling(**others: Any) -> Settings:
    return small(task=Easy(max_length=3, bits=2), **{"cooldown_sequences": 100, "max_sequences": 1000, **others})


def test_without_a_cool_down_a_good_evaluation_is_confirmed_at_once() -> None:
    settings = cooling(cooldown_sequences=0)
    assert note_score(settings, Counters(sequences=10), 0.09)
    assert not note_score(settings, Counters(sequences=10), 0.11)


def test_a_score_at_the_goal_is_not_below_it() -> None:
    assert not note_score(cooling(cooldown_sequences=0), Counters(sequences=10), 0.1)
    counters = Counters(sequences=10)
    assert not note_score(cooling(), counters, 0.1)
    assert counters.cooling_since is None


def test_a_good_evaluation_begins_a_cool_down_and_its_end_asks_for_confirmation() -> None:
    settings, counters = cooling(), Counters(sequences=200)
    assert cooled_share(settings, counters) is None
    assert not note_score(settings, counters, 0.05)
    assert (counters.cooling_since, cooled_share(settings, counters)) == (200, 0)
    counters.sequences = 250
    assert cooled_share(settings, counters) == 0.5
    assert not note_score(settings, counters, 5.0)
    counters.sequences = 300
    assert cooled_share(settings, counters) == 1
    assert note_score(settings, counters, 0.05)


def test_a_machine_that_fell_back_goes_on_at_the_full_rate() -> None:
    settings, counters = cooling(), Counters(sequences=310, cooling_since=200)
    assert not note_score(settings, counters, 0.2)
    assert counters.cooling_since is None
    assert phase_of(settings, 0, counters).rate == settings.optimizer.learning_rate


def test_after_each_cool_down_that_was_not_enough_the_rate_is_lower() -> None:
    settings, counters = cooling(cooldown_retry_rate=0.5, optimizer=AdamSettings(learning_rate=1.0)), Counters()
    counters.sequences = 200
    for bits, expected in ((0.05, 1.0), (0.2, 0.5), (0.05, 0.5), (0.2, 0.25)):
        note_score(settings, counters, bits)
        assert phase_of(settings, 0, counters).rate == expected
        counters.sequences += 100


def test_a_machine_that_was_found_solved_goes_on_at_the_same_rate() -> None:
    settings, counters = cooling(cooldown_retry_rate=0.5, optimizer=AdamSettings(learning_rate=1.0)), Counters()
    counters.sequences = 200
    note_score(settings, counters, 0.05)
    counters.sequences += 100
    assert note_score(settings, counters, 0.05)
    counters.solved_at = counters.sequences
    assert phase_of(settings, 0, counters).rate == 1


def test_without_cool_downs_the_rate_stays() -> None:
    settings = cooling(cooldown_sequences=0, optimizer=AdamSettings(learning_rate=1.0))
    counters = Counters(sequences=200)
    assert not note_score(settings, counters, 0.2)
    assert phase_of(settings, 0, counters).rate == 1


def test_a_cool_down_can_begin_above_the_goal_and_does_not_end_there() -> None:
    settings, counters = cooling(cooldown_below=2.0), Counters(sequences=200)
    note_score(settings, counters, 1.9)
    assert counters.cooling_since == 200
    counters.sequences = 300
    assert not note_score(settings, counters, 1.9)


def test_the_budget_ends_a_cool_down() -> None:
    assert note_score(cooling(), Counters(sequences=1000, cooling_since=990), 0.05)
    assert note_score(cooling(), Counters(sequences=1000), 0.05)


@pytest.mark.parametrize("task", [Open(), Endless(), Easy()], ids=["open", "endless", "solved"])
def test_nothing_is_cooled_without_a_goal_that_ends_the_training_or_after_it(task: Task) -> None:
    counters = Counters(sequences=200, solved_at=100 if isinstance(task, Easy) else None)
    cooled = {"cooldown_sequences": 100} if isinstance(task, Easy) else {}
    assert not note_score(small(task=task, **cooled), counters, 0.0)
    assert counters.cooling_since is None


def test_the_clippings_floor_is_higher_in_a_cool_down_and_never_lower() -> None:
    for low, high in ((0.5, 4.0), (4.0, 0.5)):
        settings = cooling(optimizer=AdamSettings(clip="adaptive", clip_floor=low), cooldown_clip_floor=high)
        assert phase_of(settings, 0, Counters()).clip_floor == low
        assert phase_of(settings, 0, Counters(cooling_since=0)).clip_floor == 4.0


def gaps(costs: list[tuple[float, float]], counters: Counters | None = None, **practice: Any) -> list[bool]:
    """Whether each evaluation is one at which it is said; `costs`: of training and of the evaluation."""
    settings, counters = small(task=Easy(max_length=3, bits=2), **practice), counters or Counters()
    said = []
    for training, bits in costs:
        counters.training = training
        said.append(note_gap(settings, counters, bits, met=bits < 0.1))
    return said


def test_training_that_costs_nothing_while_evaluations_do_is_said_once_at_the_third() -> None:
    assert gaps([(0.0, 125.0)] * 5) == [False, False, True, False, False]


def test_an_evaluation_in_between_that_is_as_good_begins_the_count_again() -> None:
    costs = [(0.0, 125.0), (0.0, 125.0), (2.0, 15.0), (0.0, 125.0), (0.0, 125.0), (1.0, 125.0)]
    assert gaps(costs) == [False] * 5 + [True]


def test_no_gap_is_one_where_the_goal_is_met_or_short_sequences_are_practised() -> None:
    assert not any(gaps([(0.0, 0.09)] * 5))
    assert not any(gaps([(0.0, 125.0)] * 5, Counters(stage=9), curriculum="growing"))
    assert gaps([(0.0, 125.0)] * 3, Counters(stage=10), curriculum="growing")[-1]


def test_before_its_first_report_training_is_compared_with_nothing() -> None:
    settings, counters = small(task=Easy()), Counters()
    for _ in range(5):
        assert not note_gap(settings, counters, 125.0, met=False)


def restarting(**others: Any) -> Settings:
    return cooling(restart_after=300, **others)


def test_weights_without_a_good_evaluation_are_given_up_after_so_many_sequences() -> None:
    assert not note_restart(restarting(), Counters(sequences=299))
    counters = Counters(
        *(75, 300), cooldowns=2, stage=7, recent=[1.0], training=0.0, apart=2, bits=5.0, began=0, waiting_since=0
    )
    assert note_restart(restarting(), counters)
    assert counters == Counters(75, 300, bits=5.0, waiting_since=300, restarts=1, began=75)
    counters.sequences = 599
    assert not note_restart(restarting(), counters)
    counters.sequences = 600
    assert note_restart(restarting(), counters)
    assert counters.restarts == 2


def test_a_training_that_cools_down_or_is_solved_does_not_start_over() -> None:
    for others in ({"cooling_since": 290}, {"solved_at": 290}):
        counters = Counters(sequences=400, **others)
        before = replace(counters)
        assert not note_restart(restarting(), counters)
        assert counters == before


def test_after_a_cool_down_that_was_not_enough_the_count_begins_again() -> None:
    settings, counters = restarting(), Counters(sequences=310, cooling_since=210)
    assert not note_score(settings, counters, 0.2)
    assert not note_restart(settings, counters)
    assert counters.waiting_since == 310
    counters.sequences = 610
    assert note_restart(settings, counters)


def test_the_last_weights_have_at_least_as_many_sequences_as_the_others() -> None:
    assert note_restart(restarting(), Counters(sequences=700))
    assert not note_restart(restarting(), Counters(sequences=701))
    assert not note_restart(cooling(), Counters(sequences=700))


def test_new_weights_have_their_own_warm_up_and_their_own_time_for_short_sequences() -> None:
    warm = AdamSettings(learning_rate=1.0, warmup_steps=4)
    rates = [phase_of(restarting(optimizer=warm), step, Counters(began=100)).rate for step in (100, 101, 103, 104)]
    assert rates == [0.25, 0.5, 1.0, 1.0]
    settings, counters = lengths("growing", 1000), Counters(sequences=600, began=100)
    # 400 of 1,000 sequences were gone: the second stage comes at 400 + 600 (0.5 + 0.025).
    note_step(settings, counters, 1.0)
    assert counters.stage == 1
    counters.sequences = 716
    note_step(settings, counters, 1.0)
    assert counters.stage == 2


def slots(steps: int, counters: Counters | None = None, *, seed: int = 0, **practice: int) -> list[int | None]:
    settings = small(model=NTM, seed=seed, cooldown_sequences=100, **practice)
    return [phase_of(settings, step, counters or Counters()).slots for step in range(steps)]


COOLING = Counters(cooling_since=0)


def test_without_slots_of_training_there_are_all() -> None:
    assert set(slots(3)) == {None}


def test_slots_of_training_last_until_the_cool_down() -> None:
    assert set(slots(3, training_slots=24)) == {24}
    assert set(slots(3, COOLING, training_slots=24)) == {None}


def test_drawn_slots_are_uniform_in_the_logarithm_in_the_cool_down_too() -> None:
    bounds = {"training_slots": 16, "most_training_slots": 128}
    drawn = [each for each in slots(3_000, **bounds) if each is not None]
    assert slots(3_000, COOLING, **bounds) == drawn
    assert (min(drawn), max(drawn)) == (16, 128)
    thirds = [math.log2(each / 16) for each in drawn]
    # Standard deviation 0.016; rounding adds less.
    assert abs(sum(thirds) / len(thirds) - 1.5) < 0.08
    for third in range(3):
        share = sum(third <= each < third + 1 for each in thirds) / len(thirds)
        # Standard deviation 0.009.
        assert abs(share - 1 / 3) < 0.045


def test_drawn_slots_depend_on_the_seed_and_the_step_alone() -> None:
    bounds = {"training_slots": 16, "most_training_slots": 128}
    assert slots(20, **bounds) == slots(20, **bounds)
    assert slots(20, **bounds) != slots(20, seed=1, **bounds)


def test_equal_bounds_leave_no_choice() -> None:
    assert set(slots(5, training_slots=20, most_training_slots=20)) == {20}


TASK = Copy(min_length=2, max_length=40)


def lengths(kind: str, max_sequences: int = 10**6) -> Settings:
    growing = {"grow_below": 0.1} if kind == "growing" else {}
    return small(task=TASK, curriculum=kind, max_sequences=max_sequences, **growing)


def drawn_from(settings: Settings, counters: Counters) -> Task:
    return phase_of(settings, 0, counters).view(settings.task)


def test_uniform_draws_from_the_whole_range_and_none_from_the_longest_only() -> None:
    assert drawn_from(lengths("uniform"), Counters()) == TASK
    assert drawn_from(lengths("none"), Counters()) == Copy(min_length=40, max_length=40)
    for kind in ("uniform", "none"):
        counters = Counters()
        note_step(lengths(kind), counters, 0.0)
        assert counters == Counters()


def test_growing_starts_short_and_grows_after_fifty_cheap_steps() -> None:
    settings, counters = lengths("growing"), Counters()
    assert drawn_from(settings, counters).longest == 4
    for _ in range(49):
        note_step(settings, counters, 0.05)
    assert drawn_from(settings, counters).longest == 4
    note_step(settings, counters, 0.05)
    assert drawn_from(settings, counters).longest == 8
    assert phase_of(settings, 0, counters).reach == pytest.approx(0.2)
    # What a stage cost says nothing about the next.
    for _ in range(49):
        note_step(settings, counters, 0.05)
    assert drawn_from(settings, counters).longest == 8


def test_only_the_last_fifty_steps_count() -> None:
    settings, counters = lengths("growing"), Counters()
    note_step(settings, counters, 1000.0)
    for _ in range(49):
        note_step(settings, counters, 0.05)
        assert drawn_from(settings, counters).longest == 4
    note_step(settings, counters, 0.05)
    assert drawn_from(settings, counters).longest == 8


def test_a_cost_at_the_bound_is_not_below_it() -> None:
    settings, counters = small(task=TASK, curriculum="growing", max_sequences=10**6, grow_below=0.5), Counters()
    for _ in range(60):
        note_step(settings, counters, 0.5)
    assert counters.stage == 1


def test_growing_waits_while_it_costs_too_much() -> None:
    settings, counters = lengths("growing"), Counters()
    for _ in range(500):
        note_step(settings, counters, 0.15)
    assert drawn_from(settings, counters).longest == 4


def test_growing_reaches_the_whole_range_in_three_quarters_of_the_budget_without_success() -> None:
    settings, counters = lengths("growing", 1000), Counters()
    longest = {}
    for sequences in range(0, 751, 5):
        counters.sequences = sequences
        note_step(settings, counters, 1.0)
        longest[sequences] = drawn_from(settings, counters).longest
    assert list(longest.values()) == sorted(longest.values())
    assert longest[500] == 4
    assert longest[700] < 40
    assert longest[750] == 40


def test_the_whole_range_is_the_task_itself() -> None:
    assert drawn_from(lengths("growing"), Counters(stage=10)) is TASK


def doubling(longest: int = 100, **options: object) -> Settings:
    options = {"curriculum": "doubling", "grow_below": 0.1, "max_sequences": 1000, **options}
    return small(task=Copy(min_length=2, max_length=longest), **options)


def test_doubling_takes_twice_the_lengths_after_fifty_cheap_steps_up_to_the_whole_range() -> None:
    settings, counters = doubling(), Counters()
    drawn = []
    for step in range(250):
        if step % 50 == 0:
            drawn.append(drawn_from(settings, counters))
        note_step(settings, counters, 0.05)
    assert [each.longest for each in drawn] == [10, 20, 40, 80, 100]
    assert {each.shortest for each in drawn} == {2}
    assert drawn[-1] is settings.task
    assert counters.stage == stages_of(settings) == 5


def test_doubled_lengths_are_whole_for_any_range() -> None:
    for longest in (11, 20, 97, 1000, 10_000):
        settings = doubling(longest)
        reached = [drawn_from(settings, Counters(stage=1 + n)).longest for n in range(stages_of(settings))]
        assert reached == [min(10 * 2**n, longest) for n in range(len(reached))]
        assert reached[-1] == longest


def test_doubling_waits_for_success_whatever_is_left_of_the_budget() -> None:
    settings, counters = doubling(), Counters(sequences=999)
    for _ in range(100):
        note_step(settings, counters, 0.15)
    assert counters.stage == 1
    settings, counters = doubling(grow_below=0.05, grow_failed=0.1), Counters(sequences=999)
    for _ in range(50):
        note_step(settings, counters, 0.15, 0.05)
    assert counters.stage == 2


def test_a_gap_while_lengths_still_double_says_nothing() -> None:
    for stage, expected in ((4, False), (5, True)):
        counters = Counters(stage=stage, training=0.0)
        assert [note_gap(doubling(), counters, 125.0, met=False) for _ in range(3)][-1] is expected


def lessons(**options: object) -> Settings:
    return small(task=GraphTraversal(lesson=3), curriculum="growing", grow_failed=0.1, max_sequences=1000, **options)


def test_lessons_go_on_after_fifty_steps_with_few_failures_whatever_they_cost() -> None:
    settings, counters = lessons(), Counters()
    drawn = []
    for _ in range(150):
        drawn.append(drawn_from(settings, counters))
        note_step(settings, counters, 1000.0, 0.05)
    assert drawn == [replace(settings.task, lesson=1 + step // 50) for step in range(150)]
    assert counters.stage == 3
    assert drawn_from(settings, counters) == settings.task


def test_lessons_that_are_not_passed_do_not_go_on_however_little_they_cost_and_however_late_it_is() -> None:
    settings, counters = lessons(), Counters()
    for sequences in range(0, 1000, 4):
        counters.sequences = sequences
        note_step(settings, counters, 0.0, 0.125)
    assert counters.stage == 1


def rewound(bits: list[float], **loop: Any) -> tuple[list[str | None], Counters]:
    """What comes of evaluations that cost so much, one after the other."""
    settings, counters = small(**({"rewind": 0.25} | loop)), Counters()
    return [note_rewind(settings, counters, each) for each in bits], counters


def test_an_evaluation_that_lost_more_than_a_share_of_what_was_gained_sends_training_back() -> None:
    found, counters = rewound([80.0, 40.0, 49.9, 50.1, 10.0, 27.0, 28.0, 10.0])
    # A quarter of 40 bits, then of 70.
    assert found == ["keep", "keep", None, "rewind", "keep", None, "rewind", "keep"]
    assert (counters.first, counters.lowest, counters.rewinds) == (80.0, 10.0, 2)


def test_before_anything_is_gained_nothing_is_lost() -> None:
    found, counters = rewound([80.0, 90.0, 300.0, 72.1, 90.0, 71.9, 90.0])
    # A tenth of 80 bits is what evaluations differ by on a plateau.
    assert found == ["keep", None, None, "keep", None, "keep", "rewind"]
    assert counters.rewinds == 1


def test_a_number_that_is_not_finite_is_no_measure_and_is_gone_back_from() -> None:
    assert rewound([math.nan, math.inf, 5.0, math.nan])[0] == [None, None, "keep", None]
    assert rewound([80.0, 5.0, math.nan, math.inf])[0] == ["keep", "keep", "rewind", "rewind"]


def test_a_machine_that_was_found_solved_stays() -> None:
    counters = Counters(first=80.0, lowest=0.001, solved_at=300)
    assert note_rewind(small(rewind=0.01), counters, 60.0) is None
    assert (counters.lowest, counters.rewinds) == (0.001, 0)


def test_what_weights_that_are_given_up_have_cost_lets_no_lengths_grow() -> None:
    counters = Counters(first=80.0, lowest=1.0, training=0.0, apart=2, recent=[0.01] * 49, stage=3)
    assert note_rewind(small(rewind=0.5), counters, 60.0) == "rewind"
    assert (counters.training, counters.apart, counters.recent, counters.stage) == (None, 0, [], 3)


def test_training_goes_back_only_where_that_is_asked_for() -> None:
    found, counters = rewound([80.0, 10.0, 80.0], rewind=0.0)
    assert found == [None] * 3
    assert counters == Counters()


def test_each_time_the_rate_is_lower_until_there_are_new_weights() -> None:
    settings = small(rewind=0.5, rewind_rate=0.5)
    rates = [phase_of(settings, 0, Counters(rewinds=each)).rate for each in range(3)]
    assert rates == [settings.optimizer.learning_rate * each for each in (1, 0.5, 0.25)]
    counters = Counters(sequences=300, rewinds=2, first=9.0, lowest=1.0)
    assert note_restart(restarting(), counters)
    assert (counters.rewinds, counters.first, counters.lowest) == (0, None, None)
