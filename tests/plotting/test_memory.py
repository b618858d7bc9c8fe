import numpy as np
import pytest

from neuraltape.plotting import plot_memory
from tests.plotting.panels import panel, pixels, titles
from tests.plotting.traces import small_trace, story_trace, with_focus


def test_it_shows_the_memory_before_and_after() -> None:
    trace = with_focus(small_trace(slots=8), [2, 3, 4, 5, 6, 7, 0])
    figure = plot_memory(trace)
    assert titles(figure)[0] == "before"
    assert titles(figure)[-1] == "after step 6"
    assert trace.memory is not None
    assert trace.first_memory is not None
    slots = [1, 2, 3, 4, 5, 6, 7, 0] if len(pixels(panel(figure, "before"))) < 8 else list(range(8))
    assert np.array_equal(pixels(panel(figure, "after step 6")), trace.memory[6, 0][slots])
    assert np.array_equal(pixels(panel(figure, "before")), trace.first_memory[0][slots])


def test_all_moments_share_one_scale_around_zero() -> None:
    figure = plot_memory(small_trace())
    limits = {panel(figure, title).images[0].get_clim() for title in titles(figure)}
    assert len(limits) == 1
    low, high = limits.pop()
    assert low == -high < 0


def test_the_steps_can_be_chosen() -> None:
    assert titles(plot_memory(small_trace(), steps=(0, 3))) == ["before", "after step 0", "after step 3"]


def test_a_sequence_of_one_step_is_drawn() -> None:
    trace = small_trace()
    trace.lengths[1] = 1
    assert titles(plot_memory(trace, sequence=1)) == ["before", "after step 0"]


def test_a_step_past_the_end_is_refused() -> None:
    with pytest.raises(ValueError, match=r"steps must be from 0 to 4, .* got 5"):
        plot_memory(small_trace(), sequence=1, steps=(5,))


def test_a_trace_without_a_memory_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must have a memory over time; this one \(memory-network\) has none"):
        plot_memory(story_trace())
