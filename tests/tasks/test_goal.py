import math

import pytest

from neuraltape.tasks import TASKS, Goal


def test_a_goal_is_met_below_its_bound_and_not_at_it() -> None:
    for field in ("bits", "wrong"):
        means = {"bits": 0.0, "wrong": 0.0, "excess": None}
        assert Goal(field, 0.1).met(**{**means, field: 0.099})
        assert not Goal(field, 0.1).met(**{**means, field: 0.1})


def test_the_excess_counts_where_it_is_known_and_the_cost_where_it_is_not() -> None:
    goal = Goal("excess", 0.5)
    assert goal.met(bits=130.0, wrong=40.0, excess=0.4)
    assert not goal.met(bits=130.0, wrong=40.0, excess=0.5)
    assert goal.met(bits=0.4, wrong=0.0)
    assert not goal.met(bits=130.0, wrong=0.0)


def test_what_is_no_number_meets_no_goal() -> None:
    assert not Goal("bits", 0.1).met(bits=math.nan, wrong=0.0)


def test_where_wrong_targets_are_counted_every_end_marker_has_to_be_right() -> None:
    assert Goal("wrong", 1).met(bits=0.0, wrong=0.5, marked=1.0)
    assert not Goal("wrong", 1).met(bits=0.0, wrong=0.5, marked=0.99)
    assert Goal("bits", 1).met(bits=0.5, wrong=0.5, marked=0.99)


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        (Goal("wrong", 1), "below 1 wrong bit"),
        (Goal("excess", 0.5), "below 0.5 bit over the optimum"),
        (Goal("bits", 10), "below 10 bits"),
    ],
)
def test_a_goal_in_words(goal: Goal, words: str) -> None:
    assert str(goal) == words


def test_the_papers_tasks_have_one_and_training_stops_at_those_that_cannot_be_bettered() -> None:
    goals = {name: task.goal for name, task in TASKS.items() if task.paper_parameters}
    assert len(goals) == 5
    assert all(goal is not None for goal in goals.values())
    stop = {name for name, goal in goals.items() if goal is not None and goal.ends_training}
    assert stop == {"copy", "repeat-copy", "associative-recall"}
