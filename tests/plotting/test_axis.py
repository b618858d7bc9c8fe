"""An axis of few artists gives the picture that Matplotlib's own gives, and leaves to that what it does not know."""

from collections.abc import Callable

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from neuraltape.plotting import layout, plot_focus, plot_stages
from neuraltape.plotting.layout import new_figure
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
    prepare_curve(axes, x="x")
    axes.plot([0.3, 1, 3.2], [0.1, -0.7, 0.2])


def no_marks(axes: Axes) -> None:
    a_map(axes)
    axes.tick_params(labelbottom=False, bottom=False)


def powers(axes: Axes) -> None:
    prepare_curve(axes)
    axes.plot([1, 2, 3], [0.02, 1, 30])
    set_log(axes)


def artists_of_ticks(figure: Figure) -> int:
    return sum("majorTicks" in vars(axis) for axes in figure.axes for axis in (axes.xaxis, axes.yaxis))


def picture(figure: Figure) -> np.ndarray:
    canvas = FigureCanvasAgg(figure)
    figure.set_dpi(220)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


MADE = {
    "map": one(a_map),
    "names": one(names),
    "curve": one(a_curve),
    "no marks": one(no_marks),
    "powers": one(powers),
    "focus": lambda: plot_focus(small_trace()),
    "stages": lambda: plot_stages(small_trace(), step=2),
}


def pictures(make: Callable[[], Figure], monkeypatch: pytest.MonkeyPatch) -> tuple[Figure, np.ndarray, np.ndarray]:
    """A figure as it is drawn here, its picture, and the one of the same figure made of Matplotlib's own axes."""
    figure = make()
    with monkeypatch.context() as patch:
        patch.setattr(layout, "PanelAxes", Axes)
        own = make()
    assert {type(axes) for axes in own.axes} == {Axes}
    return figure, picture(figure), picture(own)


@pytest.mark.parametrize("name", MADE)
def test_the_picture_is_matplotlibs_to_the_pixel_and_no_tick_is_made_for_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure, found, expected = pictures(MADE[name], monkeypatch)
    assert artists_of_ticks(figure) == 0
    assert len(np.unique(found.reshape(-1, 4), axis=0)) > 10
    assert (found == expected).all()


def slanted(axes: Axes) -> None:
    axes.tick_params(axis="x", rotation=40)


def above(axes: Axes) -> None:
    axes.tick_params(axis="x", top=True, labeltop=True)


def named(axes: Axes) -> None:
    axes.set_xticks([1, 4], ["one", "four"], rotation=50)


def measured(axes: Axes) -> None:
    # The numbers push it away.
    axes.xaxis._autolabelpos = True


def many_digits(axes: Axes) -> None:
    axes.plot([10**9 + 0.001, 10**9 + 0.002], [0, 1])


@pytest.mark.parametrize("change", [slanted, above, named, measured, many_digits])
def test_what_is_not_known_here_is_drawn_by_matplotlib(
    change: Callable[[Axes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(axes: Axes) -> None:
        a_curve(axes)
        change(axes)

    figure, found, expected = pictures(one(draw), monkeypatch)
    assert artists_of_ticks(figure) > 0
    assert (found == expected).all()


def test_marks_that_point_inwards_by_the_users_own_style_are_matplotlibs() -> None:
    with matplotlib.rc_context({"xtick.direction": "in"}):
        figure = one(a_map)()
        picture(figure)
    assert "majorTicks" in vars(figure.axes[0].xaxis)
