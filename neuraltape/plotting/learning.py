"""Cost against sequences seen: figure 3 of the paper."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuraltape.plotting.layout import curve_panel
from neuraltape.plotting.style import INK, LINES, SMALL, legend, marked, set_log
from neuraltape.runs.metrics import Metrics
from neuraltape.tasks import Goal


def plot_learning(
    runs: Mapping[str, Metrics],
    *,
    goal: Goal | None = None,
    score_name: str = "bits a sequence",
) -> Figure:
    """The cost on fresh sequences while training went on, on a logarithmic scale; faint: the cost in training.

    As figure 3 of Graves, Wayne and Danihelka (2014), arXiv 1410.5401, which has a linear scale.

    Args:
        runs: what each training wrote about itself, by the run's name.
        goal: what counts as solved; it is drawn where it is a bound on the cost itself.
        score_name: what the cost is.

    Raises:
        ValueError: no runs, or nothing in them to draw.
    """
    curves = {name: (_curve(metrics.training), _curve(metrics.scores)) for name, metrics in runs.items()}
    if not any(part.size for curve in curves.values() for part in curve):
        raise ValueError("runs must hold a line about training or evaluation; got none (has the run reported yet?)")
    figure, axes = curve_panel(4.6, 2.7, x="sequences seen (thousands)", y=score_name)
    for (name, (training, evaluation)), colour in zip(curves.items(), LINES * len(curves), strict=False):
        label = "training" if len(curves) == 1 else None
        axes.plot(*training, color=colour, alpha=0.35, linewidth=0.9, label=label, **marked(training.shape[1]))
        dots = {"marker": "o", "markersize": 2.6, "label": f"{name}, fresh sequences"}
        axes.plot(*evaluation, color=colour, linewidth=0.9, **dots)
        optimum = _curve(runs[name].scores, "optimum")
        if optimum.size:
            axes.plot(*optimum, color=INK, linestyle=":", linewidth=1, label=f"{name}, best possible")
    set_log(axes)
    axes.set_xlim(left=0)
    if goal is not None and goal.field == "bits":
        _mark_solved(axes, goal.below)
    legend(axes)
    return figure


def _curve(lines: Sequence[Mapping[str, Any]], field: str = "bits") -> np.ndarray:
    """(2, points): thousands of sequences and the field, where it is a number."""
    points = [(line["sequences"] / 1000, line[field]) for line in lines if line.get(field) is not None]
    return np.array(points, dtype=float).reshape(-1, 2).T


def _mark_solved(axes: Axes, below: float) -> None:
    axes.axhline(below, color=INK, linestyle="--", linewidth=0.8)
    place = axes.get_yaxis_transform()
    axes.text(0.01, below, "solved", transform=place, fontsize=SMALL, color=INK, va="bottom")
