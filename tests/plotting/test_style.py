import numpy as np
import pytest

from neuraltape.plotting.layout import new_figure
from neuraltape.plotting.style import (
    FEW,
    PALE,
    SIGNED_MAP,
    SMALL,
    UNIT_MAP,
    heat_map,
    leave_marks,
    marked,
    prepare_curve,
    round_step,
    round_up,
    scale_of,
    set_log,
)


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


def brightness(colours: np.ndarray) -> np.ndarray:
    """Relative luminance of (..., 4) colours, as a screen's red, green and blue have it."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return linear[..., :3] @ (0.2126, 0.7152, 0.0722)


def test_nothing_is_as_white_as_paper_and_much_is_darker_at_every_step() -> None:
    shown = brightness(UNIT_MAP(np.linspace(0, 1, 256)))
    assert shown[0] == 1
    assert (np.diff(shown) < 0).all()
    assert shown[-1] < 0.001
    assert brightness(np.asarray(SIGNED_MAP(0.5))) > 0.9


def test_what_nobody_asks_for_is_pale() -> None:
    asked = np.array([False, True, True])
    image = heat_map(new_figure(1, 1).panel(0, 0, 1, 1), np.ones((2, 3)), scale="unit", asked=asked)
    assert np.asarray(image.get_alpha()).tolist() == [[PALE, 1, 1]] * 2
    whole = heat_map(new_figure(1, 1).panel(0, 0, 1, 1), np.ones((2, 3)), scale="unit", asked=~asked | asked)
    assert whole.get_alpha() is None


def test_a_line_through_few_points_shows_them() -> None:
    assert marked(FEW)["marker"] == "o"
    assert marked(FEW + 1) == {}


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_every_number_on_an_axis_has_the_same_size(scale: str) -> None:
    axes = prepare_curve(new_figure(2, 3).panel(0.7, 0.2, 1, 2.4))
    axes.plot([0, 1], [1.5e-6, 9e-6])
    if scale == "log":
        set_log(axes)
    axes.figure.canvas.draw()
    labels = [label for minor in (False, True) for label in axes.get_yticklabels(minor=minor) if label.get_text()]
    assert len(labels) > 3
    if scale == "log":
        assert "2 \N{MULTIPLICATION SIGN} 10⁻⁶" in [label.get_text() for label in labels]
    assert {label.get_fontsize() for label in labels} == {SMALL}


def test_marks_without_numbers_stand_where_the_numbers_would() -> None:
    numbered, bare = (new_figure(2, 2).panel(0.5, 0.2, 1, 1.5) for _ in range(2))
    for axes in (numbered, bare):
        heat_map(prepare_curve(axes), np.zeros((9, 30)), scale="unit")
    for axis in (bare.xaxis, bare.yaxis):
        leave_marks(axis)
    assert [label.get_text() for label in (*bare.get_xticklabels(), *bare.get_yticklabels()) if label.get_text()] == []
    assert len(numbered.get_xticks()) > 3
    assert bare.get_xticks().tolist() == numbered.get_xticks().tolist()
    assert bare.get_yticks().tolist() == numbered.get_yticks().tolist()
    assert bare.get_xlim() == numbered.get_xlim()
    leave_marks(bare.xaxis, [2, 7])
    assert bare.get_xticks().tolist() == [2, 7]


@pytest.mark.parametrize(
    "limits", [(1e-5, 1e3), (2.0, 7.0), (135.0, 137.4), (1001.0, 1002.0), (95.1, 96.2), (0.04, 0.3)]
)
def test_every_mark_of_a_logarithmic_scale_says_where_it_stands(limits: tuple[float, float]) -> None:
    axes = prepare_curve(new_figure(2, 3).panel(0.7, 0.2, 1, 2.4))
    axes.plot([0, 1], limits)
    set_log(axes)
    axes.set_ylim(*limits)
    low, high = "0123456789", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
    lowered = str.maketrans(high + "\u207b", low + "-")
    said = {}
    for minor in (False, True):
        labels = [each.get_text() for each in axes.get_yticklabels(minor=minor)]
        said |= {place: each for place, each in zip(axes.get_yticks(minor=minor), labels, strict=True) if each}
    assert len(said) >= 2
    for place, label in said.items():
        *digits, ten = label.split(" \N{MULTIPLICATION SIGN} ")
        value = float(digits[0] if digits else 1) * 10.0 ** int(ten.removeprefix("10").translate(lowered))
        assert value == pytest.approx(place, rel=1e-6)
