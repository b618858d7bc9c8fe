"""A figure that nobody touched is drawn with few artists, and its picture is the one that Matplotlib's ticks give."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.axis import Tick
from matplotlib.figure import Figure
from PIL import Image

from neuraltape.plotting import plot_focus, plot_stages, save_figure
from neuraltape.plotting.layout import Picture, curve_panel, new_figure
from neuraltape.plotting.style import heat_map, leave_marks, name_marks, prepare, prepare_curve, set_log
from tests.plotting.traces import small_trace


def one(draw: Callable[[Axes], object]) -> Callable[[], Figure]:
    def make() -> Figure:
        figure = new_figure(3, 2)
        draw(figure.panel(0.7, 0.3, 2, 1.2))
        return figure

    return make


def a_map(axes: Axes) -> None:
    heat_map(prepare(axes, title="map", x="step", y="slot"), np.eye(7), scale="unit")


def names(axes: Axes) -> None:
    a_map(axes)
    name_marks(axes.yaxis, [0, 2, 5, 99], ["first", "", "-1", "out of sight"])
    leave_marks(axes.xaxis)


def a_curve(axes: Axes) -> None:
    prepare_curve(axes, x="x", y="y")
    axes.plot([0.3, 1, 3.2], [0.1, -0.7, 0.2])


def no_marks(axes: Axes) -> None:
    a_map(axes)
    axes.tick_params(labelbottom=False, bottom=False)


def powers(axes: Axes) -> None:
    a_curve(axes)
    axes.plot([1, 2, 3], [0.02, 1, 30])
    set_log(axes)


def millions(axes: Axes) -> None:
    # Such numbers have a power of ten beside the axis, which only Matplotlib writes.
    a_curve(axes)
    axes.plot([1e6, 3e6], [1e-7, 2e-7])
    axes.set_ylim(0, 2e-7)


def turned(axes: Axes) -> None:
    a_map(axes)
    axes.set_xticks([0, 3], ["a longer name", "another"], rotation=50, ha="right", rotation_mode="anchor")


def above(axes: Axes) -> None:
    a_map(axes)
    axes.xaxis.tick_top()
    axes.yaxis.tick_right()


def measured() -> Figure:
    figure, axes = curve_panel(3, 2, x="x", y="stands beside the numbers")
    axes.plot([1, 2], [0.123, 4321])
    return figure


MADE = {
    "map": one(a_map),
    "names": one(names),
    "curve": one(a_curve),
    "no marks": one(no_marks),
    "powers": one(powers),
    "millions": one(millions),
    "turned": one(turned),
    "above": one(above),
    "measured": measured,
    "focus": lambda: plot_focus(small_trace()),
    "stages": lambda: plot_stages(small_trace(), step=2),
}


def pixels(figure: Figure, path: Path, *, untouched: bool) -> np.ndarray:
    return np.asarray(Image.open(save_figure(figure, path, untouched=untouched)))


@pytest.mark.parametrize("name", MADE)
def test_the_picture_is_the_same_to_the_pixel(name: str, tmp_path: Path) -> None:
    few = pixels(MADE[name](), tmp_path / "few.png", untouched=True)
    np.testing.assert_array_equal(few, pixels(MADE[name](), tmp_path / "own.png", untouched=False))


@pytest.mark.parametrize("name", MADE)
def test_afterwards_the_figure_is_as_it_was(name: str, tmp_path: Path) -> None:
    figure = MADE[name]()
    before = pixels(figure, tmp_path / "before.png", untouched=False)
    artists = [axes.get_children() for axes in figure.axes]
    pixels(figure, tmp_path / "few.png", untouched=True)
    assert [axes.get_children() for axes in figure.axes] == artists
    np.testing.assert_array_equal(pixels(figure, tmp_path / "after.png", untouched=False), before)


def test_fewer_ticks_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = Tick.__init__

    def count(self: Tick, *args: object, **options: object) -> None:
        made.append(self)
        real(self, *args, **options)  # pyright: ignore[reportArgumentType]

    figures = plot_focus(small_trace()), plot_focus(small_trace())
    monkeypatch.setattr(Tick, "__init__", count)
    numbers = []
    for figure, untouched in zip(figures, (False, True), strict=True):
        made.clear()
        save_figure(figure, tmp_path / "focus.png", untouched=untouched)
        numbers.append(len(made))
    assert numbers[1] == 0 < 30 < numbers[0]


def test_what_somebody_changed_on_a_tick_is_drawn(tmp_path: Path) -> None:
    figure = MADE["map"]()
    plain = pixels(figure, tmp_path / "plain.png", untouched=False)
    figure.axes[0].get_xticklabels()[1].set_rotation(90)
    assert (pixels(figure, tmp_path / "turned.png", untouched=False) != plain).any()


def test_axes_of_other_figures_are_not_asked(tmp_path: Path) -> None:
    figure = Figure((3, 2))
    a_map(figure.add_axes((0.2, 0.2, 0.6, 0.6)))
    assert not isinstance(figure, Picture)
    own = pixels(figure, tmp_path / "own.png", untouched=False)
    np.testing.assert_array_equal(pixels(figure, tmp_path / "few.png", untouched=True), own)
