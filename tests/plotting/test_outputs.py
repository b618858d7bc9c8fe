import numpy as np
import pytest

from neuraltape.evaluation import Example
from neuraltape.plotting import plot_outputs
from neuraltape.plotting.outputs import pack
from tests.plotting.panels import check_letters, pixels, titles


def shown(length: int, wrong: list[tuple[int, int]] | None = None, channels: int = 3) -> Example:
    generator = np.random.default_rng(length)
    targets = generator.integers(0, 2, (length, channels)).astype(float)
    errors = np.zeros(targets.shape, dtype=bool)
    for place in wrong or []:
        errors[place] = True
    return Example(length, targets, np.where(errors, 1 - targets, targets), errors, bits=0.0)


def test_short_sequences_share_a_row_and_long_ones_stand_alone() -> None:
    rows = pack([shown(length) for length in (10, 20, 30, 50, 120)])
    assert [[each.length for each in row] for row in rows] == [[10, 20, 30, 50], [120]]
    assert [len(row) for row in pack([shown(20), shown(20)])] == [1, 1]


def test_targets_stand_above_outputs() -> None:
    example = shown(6, wrong=[(2, 1)])
    above, below = (axes for axes in plot_outputs([example]).axes if axes.images and axes.get_ylabel())
    assert (above.get_ylabel(), below.get_ylabel()) == ("targets", "outputs")
    assert np.array_equal(pixels(above), example.targets.T)
    assert np.array_equal(pixels(below), example.predictions.T)


def test_every_error_is_framed_and_counted() -> None:
    example = shown(40, wrong=[(2, 1), (39, 0)])
    figure = plot_outputs([example, shown(40)], length_name="vectors")
    assert titles(figure) == ["40 vectors, 2 errors", "40 vectors, no error"]
    frames = [np.asarray(marks.get_offsets()) for axes in figure.axes for marks in axes.collections]
    places = {tuple(place) for offsets in frames for place in offsets.tolist() if len(offsets) == 2}
    assert (2.0, 1.0) in places
    assert (39.0, 0.0) in places


def test_narrow_pictures_have_titles_that_fit() -> None:
    figure = plot_outputs([shown(length) for length in (10, 20, 30, 50, 120)], length_name="vectors")
    assert len(titles(figure)) == 5
    check_letters(figure)


@pytest.mark.parametrize(("lengths", "channels"), [((1,), 1), ((10, 2000), 1), ((5, 5, 5), 40)])
def test_unusual_sizes_are_drawn_in_readable_letters(lengths: tuple[int, ...], channels: int) -> None:
    check_letters(plot_outputs([shown(length, channels=channels) for length in lengths]))


def test_no_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="examples must be one or more; got none"):
        plot_outputs([])
