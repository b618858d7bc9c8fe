from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuraltape.study.reproduce.figures import median_curve, plot_probes, plot_seeds
from neuraltape.study.reproduce.recipe import read_recipes
from neuraltape.study.result import Curve
from tests.study.made_up import result, write_recipe


def test_every_seed_and_the_median_of_every_recipe_are_drawn(tmp_path: Path) -> None:
    recipes = [write_recipe(tmp_path, name) for name in ("copy", "copy-lstm")]
    figure = plot_seeds({each.name: [result(each, seed) for seed in range(3)] for each in recipes})
    assert figure is not None
    (axes,) = figure.axes
    # A line and a dot a seed, the median, and the goal.
    assert len(axes.lines) == 2 * (2 * 3 + 1) + 1
    assert [each.get_label() for each in axes.lines if not str(each.get_label()).startswith("_")] == [
        "copy, median of 3 seeds",
        "copy-lstm, median of 3 seeds",
    ]
    assert axes.get_yscale() == "log"


def test_the_median_keeps_the_last_score_of_a_run_that_has_stopped_and_ends_where_half_have() -> None:
    curves = [
        Curve((10, 20), (8.0, 0.05), None),
        Curve((10, 40), (8.0, 2.0), None),
        Curve((10, 100), (8.0, 8.0), None),
    ]
    sequences, middle = median_curve(curves)
    assert (sequences[0], sequences[-1]) == (10, 40)
    assert (middle[0], middle[-1]) == (8.0, 2.0)
    at_25 = np.argmin(np.abs(sequences - 25))
    assert middle[at_25] == pytest.approx(5.0, abs=0.1)


def test_the_excess_is_drawn_where_it_is_known() -> None:
    curve = Curve((10, 20), (152.0, 151.0), (2.0, 0.0))
    _, middle = median_curve([curve])
    # Nothing is lower than a logarithmic scale shows.
    assert (middle[0], middle[-1]) == (2.0, 1e-4)


def test_a_dot_a_seed_at_every_length(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    figure = plot_probes({"copy": [result(recipe, seed, wrong=seed) for seed in range(4)]})
    assert figure is not None
    (axes,) = figure.axes
    assert [each.get_text() for each in axes.get_xticklabels()] == ["1-3", "30", "50", "120", "200 (256 slots)"]
    assert [len(np.atleast_1d(line.get_xdata())) for line in axes.lines] == [4] * 5 + [5]
    assert list(np.asarray(axes.lines[-1].get_ydata())) == [0, 1.5, 1.5, 1.5, 1.5]


def test_what_was_not_measured_is_not_drawn(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    made = result(recipe, 0)
    figure = plot_probes({"copy": [replace(made, scores=made.scores[:-1])]})
    assert figure is not None
    assert np.isnan(np.asarray(figure.axes[0].lines[-1].get_ydata())[-1])


def test_there_is_no_figure_without_anything_to_draw(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    assert plot_seeds({"copy": [replace(result(recipe, 0), curve=Curve((), (), None))]}) is None
    (tmp_path / "ngrams.yaml").write_text("format: 2\ntask: {name: ngrams}\n")
    ngrams = read_recipes([tmp_path])["ngrams"]
    assert plot_probes({"ngrams": [result(ngrams, 0)]}) is None


def test_a_recipe_of_another_range_stands_in_no_figure_beside_the_others(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    usual = result(recipe, 0)
    longer = replace(usual, recipe="copy-sam", probes=("320", *usual.probes[1:]))
    for plot in (plot_seeds, plot_probes):
        figure = plot({"copy": [usual], "copy-sam": [longer]})
        assert figure is not None
        labels = [str(each.get_label()) for each in figure.axes[0].lines]
        assert any(each.startswith("copy, ") for each in labels)
        assert not any("copy-sam" in each for each in labels)
