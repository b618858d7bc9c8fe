from dataclasses import replace

import numpy as np
import pytest
import torch

from neuraltape.nn import Trace
from neuraltape.plotting import machine_figures, plot_looked
from tests.plotting.panels import check_letters, panel, pixels, titles
from tests.plotting.traces import small_trace, story_trace, with_focus, with_weights

NAMES = ("", "one", "two", "three", "four", "", "six", "seven")


def named(trace: Trace, scored: list[int] | None = None) -> Trace:
    """With names for its slots, and these steps of the first sequence scored."""
    mask = None
    if scored is not None:
        mask = torch.zeros(trace.inputs.shape[:2], dtype=torch.bool)
        mask[scored, 0] = True
    return replace(trace, labels=(NAMES, NAMES), scored=mask)


def test_slots_stand_in_the_order_in_which_they_were_looked_at() -> None:
    trace = named(with_focus(small_trace(read_heads=2), [7, 4, 2, 0, 6, 2, 1]), scored=[4, 5, 6])
    figure = plot_looked(trace)
    assert titles(figure) == ["Read head 1", "Read head 2"]
    check_letters(figure)
    first = panel(figure, "Read head 1")
    # As many steps before the scored ones as there are of those, and no slot without a name.
    assert [label.get_text() for label in first.get_yticklabels()] == ["four", "two", "six", "one"]
    assert [label.get_text() for label in first.get_xticklabels()] == ["1", "2", "3", "4", "5", "6"]
    expected = np.zeros((4, 6))
    expected[[0, 1, 2, 1, 3], [0, 1, 3, 4, 5]] = 1
    np.testing.assert_array_equal(pixels(first), expected)


def test_all_steps_are_shown_where_nobody_says_which_count() -> None:
    first = panel(plot_looked(named(with_focus(small_trace(), [7, 4, 2, 0, 6, 2, 1]))), "Read head 1")
    assert [label.get_text() for label in first.get_yticklabels()] == ["seven", "four", "two", "six", "one"]


def test_where_no_slot_is_looked_at_a_few_stand_for_all() -> None:
    trace = small_trace()
    spread = with_weights(trace, torch.full_like(trace.heads[0].weights, 0.01))
    assert len(panel(plot_looked(named(spread)), "Read head 1").get_yticklabels()) == 5


@pytest.mark.parametrize("make", [small_trace, story_trace, lambda: replace(small_trace(), labels=(("",) * 8,) * 2)])
def test_a_trace_without_read_heads_or_names_is_refused(make) -> None:
    with pytest.raises(ValueError, match="trace must have read heads, and names of its slots"):
        plot_looked(make())


def test_names_of_slots_give_a_figure_more_and_leave_the_others_as_they_are() -> None:
    plain = [name for name, _ in machine_figures(small_trace())]
    assert [name for name, _ in machine_figures(named(small_trace()))] == ["looked", *plain]
