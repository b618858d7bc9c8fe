"""Where panels stand: panels where they are put, and colours that are the same have one key."""

from io import BytesIO

import matplotlib
import numpy as np
import pytest
from PIL import Image

from neuraltape.plotting.layout import (
    LEFT,
    NARROWEST,
    WIDTH,
    Key,
    draw_keys,
    fitted,
    in_rows,
    merged,
    new_figure,
    text_width,
)
from neuraltape.plotting.style import SMALL


def test_equal_colours_have_one_key_that_names_all_it_is_for() -> None:
    keys = [
        Key("unit", 1.0, "weight"),
        Key("signed", 1.0, "add"),
        Key("unit", 1.0, "erase"),
        Key("unit", 1.0, "weight"),
    ]
    assert merged(keys) == [Key("unit", 1.0, "weight, erase"), Key("signed", 1.0, "add")]


def test_keys_that_do_not_fit_beside_each_other_start_a_row() -> None:
    rows = in_rows(Key("signed", float(limit), "m" * 12) for limit in range(1, 9))
    assert len(rows) > 1
    for row in rows:
        assert row[0][0] == LEFT
        for place, key in row:
            assert place + max(NARROWEST, text_width(key.label, 8)) <= WIDTH


def test_a_key_names_the_ends_and_the_middle() -> None:
    figure = new_figure(3, 2)
    draw_keys(figure, in_rows([Key("signed", 1.6, "read")]))
    figure.canvas.draw()
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["\N{MINUS SIGN}1.6", "0", "1.6"]
    assert axes.get_title("left") == "read"


@pytest.mark.parametrize(
    ("heights", "least", "total", "expected"),
    [
        ([1, 3], [0, 0], 8, [2, 6]),
        ([1, 3], [3, 0], 8, [3, 5]),
        ([1, 1, 8], [2, 1.5, 1], 8, [2, 1.5, 4.5]),
        ([1, 1], [2, 3], 1, [2, 3]),
    ],
)
def test_heights_fill_the_page_in_proportion_and_keep_their_least(heights, least, total, expected) -> None:
    assert fitted(heights, least, total) == pytest.approx(expected)


def test_a_text_is_as_wide_as_it_is_drawn() -> None:
    figure = new_figure(4, 1)
    text = figure.text(0, 0, "John went to the kitchen.", fontsize=SMALL)
    drawn = text.get_window_extent().width / figure.dpi
    # Measured: 0.4 % apart.
    assert text_width(text.get_text()) == pytest.approx(drawn, rel=0.03)


def test_a_panel_stands_where_it_is_put() -> None:
    figure = new_figure(4, 2)
    box = figure.panel(1, 0.5, 2, 1).get_position()
    assert np.allclose([box.x0, box.y1, box.width, box.height], [0.25, 0.75, 0.5, 0.5])


def test_a_figure_shows_itself_in_a_notebook_once_and_at_its_own_size() -> None:
    data, shown = new_figure(3.0, 1.5)._repr_png_()
    assert shown == {"width": 300, "height": 150}
    assert Image.open(BytesIO(data)).size == (600, 300)
    # pyplot would show it again.
    pyplot = getattr(matplotlib, "pyplot", None)
    assert pyplot is None or not pyplot.get_fignums()
