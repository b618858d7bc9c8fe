import numpy as np
import pytest

from neuraltape.plotting import plot_order
from tests.plotting.panels import panel, pixels, titles
from tests.plotting.test_gates import dnc, dnc_trace
from tests.plotting.traces import mann_trace, small_trace, story_trace, with_focus


def test_what_was_written_after_what_is_where_row_and_column_cross() -> None:
    figure = plot_order(with_focus(small_trace(), [2, 5, 3, 6, 4, 2, 1]))
    assert titles(figure) == ["after step 1", "after step 3", "after step 4", "after step 6"]
    names = [label.get_text() for label in panel(figure, "after step 1").get_yticklabels()]
    slots = [label.get_text() for label in panel(figure, "after step 6").get_xticklabels()]
    assert names == slots == ["0", "1", "2", "3", "4", "5", "6", "7"]
    linked = {
        title: {(int(names[row]), int(names[column])) for row, column in np.argwhere(pixels(panel(figure, title)) == 1)}
        for title in titles(figure)
    }
    assert linked["after step 1"] == {(5, 2)}
    assert linked["after step 3"] == {(5, 2), (3, 5), (6, 3)}
    # Slot 2 was written again: what came before it and after it is another slot now.
    assert linked["after step 6"] == {(3, 5), (6, 3), (4, 6), (2, 4), (1, 2)}


def test_it_is_the_dncs_own_link_matrix() -> None:
    machine, trace = dnc(), dnc_trace()
    _, state = machine(trace.inputs)
    found = pixels(panel(plot_order(trace), "after step 6"))
    # Measured: 2e-9.
    np.testing.assert_allclose(found, state.access.link[0].detach().double(), atol=1e-6)
    assert found.max() > 0.001


@pytest.mark.parametrize(("make", "count"), [(story_trace, 0), (mann_trace, 2)])
def test_a_trace_without_one_write_head_is_refused(make, count: int) -> None:
    with pytest.raises(ValueError, match=f"trace must have one write head; it has {count}"):
        plot_order(make())
