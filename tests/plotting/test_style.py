from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from neuraltape.plotting.style import colour_bar, heat_map, new_figure, round_step, round_up, scale_of


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0.5, 1], ("unit", 1.0)),
        ([], ("unit", 1.0)),
        ([np.nan, 0.5], ("unit", 1.0)),
        ([-0.1, 0.5], ("signed", 0.5)),
        ([0, 1.2345], ("signed", 1.3)),
        ([-345.0, np.inf], ("signed", 350.0)),
    ],
)
def test_the_scale_holds_the_values(values: list[float], expected: tuple[str, float]) -> None:
    assert scale_of(np.array(values)) == expected


@pytest.mark.parametrize(("value", "rounded"), [(0.0, 1.0), (1.0, 1.0), (1.01, 1.1), (0.0123, 0.013), (99.1, 100.0)])
def test_limits_have_two_digits_and_are_never_below(value: float, rounded: float) -> None:
    assert round_up(value) == rounded


@pytest.mark.parametrize(
    ("least", "step"), [(0.1, 1), (1, 1), (1.5, 2), (3, 5), (5.1, 10), (21, 50), (99, 100), (101, 200)]
)
def test_labels_stand_at_round_distances(least: float, step: int) -> None:
    assert round_step(least) == step


def test_a_colour_bar_names_the_ends_and_the_middle() -> None:
    figure = new_figure(3, 2)
    axes = figure.subplots()
    bar = colour_bar(heat_map(axes, np.zeros((2, 3)), scale="signed", limit=1.6), axes, "read")
    figure.canvas.draw()
    labels = [label.get_text() for label in bar.ax.get_yticklabels()]
    assert labels == ["\N{MINUS SIGN}1.6", "0", "1.6"]
    assert bar.ax.get_ylabel() == "read"


def test_a_figure_shows_itself_in_a_notebook_at_its_own_size() -> None:
    data, shown = new_figure(3.0, 1.5)._repr_png_()
    assert shown == {"width": 300, "height": 150}
    assert Image.open(BytesIO(data)).size == (600, 300)
