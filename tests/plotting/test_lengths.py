import numpy as np
import pytest

from neuraltape.evaluation import LengthScore, Report
from neuraltape.plotting import plot_lengths
from tests.plotting.panels import check_letters


def report(optimum: float | None = None, trained: tuple[int, int] = (1, 20)) -> Report:
    rows = tuple(
        LengthScore(length, 10, bits, wrong, 0.0, 4 * wrong, 0.5, optimum)
        for length, bits, wrong in ((120, 50.0, 30.0), (10, 0.01, 0.0), (20, 0.02, 0.1))
    )
    return Report("mine", "copy", "vectors", "bits a sequence", trained, 128, 0, rows)


def test_means_stand_over_lengths_in_order() -> None:
    left, right = plot_lengths([report()]).axes
    assert list(left.lines[0].get_xdata()) == [10, 20, 120]
    assert list(left.lines[0].get_ydata()) == [0, 0.1, 30]
    assert list(right.lines[0].get_ydata()) == [0.01, 0.02, 50]
    # Nothing is drawn between two lengths: nothing was measured there.
    assert {line.get_linestyle() for axes in (left, right) for line in axes.lines} == {"None"}
    assert {line.get_marker() for axes in (left, right) for line in axes.lines} == {"o"}
    (reach,) = left.collections
    assert [segment[:, 1].tolist() for segment in reach.get_segments()] == [[0, 0], [0, 0.4], [0, 120]]
    assert left.get_xlabel() == "length (vectors)"
    assert right.get_ylabel() == "bits a sequence"


def test_zero_errors_have_a_place_on_the_axis() -> None:
    figure = plot_lengths([report()])
    figure.canvas.draw()
    left = figure.axes[0]
    low, high = left.get_ylim()
    assert low < 0 < 120 < high
    assert [label.get_text() for label in left.get_yticklabels()] == ["0", "1", "10", "100"]


@pytest.mark.parametrize("trained", [(1, 20), (200, 200)])
def test_the_range_of_training_can_be_seen(trained: tuple[int, int]) -> None:
    left, _ = plot_lengths([report(trained=trained)]).axes
    (shade,) = [patch for patch in left.patches if patch.get_label() == "range of training"]
    corners = shade.get_window_extent()
    assert corners.width > 1


def test_the_optimum_is_drawn_where_it_is_known() -> None:
    _, right = plot_lengths([report(optimum=5.0)]).axes
    (best,) = [line for line in right.lines if line.get_label() == "best possible"]
    assert np.array_equal(np.asarray(best.get_ydata()), [5, 5, 5])
    assert len(plot_lengths([report()]).axes[1].lines) == 1


def test_letters_are_large_enough_for_print() -> None:
    check_letters(plot_lengths([report()]))


def test_no_reports_are_refused() -> None:
    with pytest.raises(ValueError, match="reports must be one or more; got none"):
        plot_lengths([])
