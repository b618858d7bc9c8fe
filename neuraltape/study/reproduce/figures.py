"""All seeds of a task in one figure: how they learned, and their errors beyond the range of training."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neuraltape.plotting.layout import WIDTH, curve_panel
from neuraltape.plotting.style import INK, LINES, SMALL, legend, marked, set_log
from neuraltape.study.result import Curve, Result
from neuraltape.tasks import TASKS

# The steps at which a median of curves is taken.
GRID = 400


def plot_seeds(results: Mapping[str, Sequence[Result]]) -> Figure | None:
    """Scores on fresh sequences against sequences seen: faint every seed, thick the median; a dot where one solved it.

    Args:
        results: of one task, by recipe.

    Returns:
        None where no run has been scored while it was trained.
    """
    results = _alike(results)
    curves = {name: [each.curve for each in group if each.curve.sequences] for name, group in results.items()}
    curves = {name: group for name, group in curves.items() if group}
    if not curves:
        return None
    excess = all(curve.excess is not None for group in curves.values() for curve in group)
    unit = "bits a sequence over the optimum" if excess else "bits a sequence"
    figure, axes = curve_panel(WIDTH * 0.7, 2.8, x="sequences seen (thousands)", y=unit)
    for (name, group), colour in zip(curves.items(), LINES * len(curves), strict=False):
        _draw_curves(axes, name, group, colour)
    goal = TASKS[next(iter(results.values()))[0].task].goal
    if goal is not None:
        axes.axhline(goal.below, color=INK, linestyle="--", linewidth=0.8)
        axes.text(
            0.01, goal.below, "goal", transform=axes.get_yaxis_transform(), fontsize=SMALL, color=INK, va="bottom"
        )
    set_log(axes)
    axes.set_xlim(left=0)
    legend(axes)
    return figure


def plot_probes(results: Mapping[str, Sequence[Result]]) -> Figure | None:
    """Wrong targets a sequence at each length: a dot is a seed, the dash their median.

    Args:
        results: of one task, by recipe.

    Returns:
        None for a task that is not measured beyond the range of training.
    """
    results = _alike(results)
    labels = list(next(iter(results.values()))[0].probes)
    if len(labels) < 2:
        return None
    figure, axes = curve_panel(
        WIDTH * 0.7, 2.8, x="length; the first is the range of training", y="wrong targets a sequence"
    )
    for number, (name, group) in enumerate(results.items()):
        _draw_probes(axes, name, group, labels, number, len(results))
    axes.set_xticks(range(len(labels)), labels)
    axes.set_xlim(-0.5, len(labels) - 0.5)
    # Zero at the bottom: most points should be there.
    axes.set_yscale("symlog", linthresh=0.1)
    axes.set_ylim(-0.01, max(1.0, 1.5 * axes.get_ylim()[1]))
    axes.minorticks_off()
    legend(axes)
    return figure


def median_curve(curves: Sequence[Curve]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Sequences and the median over seeds; a run that has stopped keeps its last score.

    It ends where half of the runs have stopped: later it would only repeat how those ended.
    """
    ends = sorted(curve.sequences[-1] for curve in curves)
    start = max(curve.sequences[0] for curve in curves)
    grid = np.linspace(min(start, ends[-1]), ends[len(ends) // 2], GRID)
    return grid, np.median([np.interp(grid, curve.sequences, _heights(curve)) for curve in curves], axis=0)


def _alike(results: Mapping[str, Sequence[Result]]) -> dict[str, Sequence[Result]]:
    """Without recipes whose range of training is another one than the first's: scores on it say other things."""
    ranges = {name: next(iter(group[0].probes), None) for name, group in results.items()}
    return {name: group for name, group in results.items() if ranges[name] == next(iter(ranges.values()))}


def _draw_curves(axes: Axes, name: str, curves: Sequence[Curve], colour: str) -> None:
    for curve in curves:
        dots = marked(len(curve.sequences))
        axes.plot(np.divide(curve.sequences, 1000), _heights(curve), color=colour, alpha=0.3, linewidth=0.8, **dots)
        axes.plot(curve.sequences[-1] / 1000, _heights(curve)[-1], color=colour, alpha=0.6, marker="o", markersize=2.5)
    sequences, middle = median_curve(curves)
    seeds = f"median of {len(curves)} seeds" if len(curves) > 1 else "1 seed"
    axes.plot(sequences / 1000, middle, color=colour, linewidth=1.8, label=f"{name}, {seeds}")


def _draw_probes(axes: Axes, name: str, results: Sequence[Result], labels: list[str], number: int, of: int) -> None:
    colour = LINES[number % len(LINES)]
    shift = 0.0 if of == 1 else 0.36 * (number / (of - 1) - 0.5)
    medians = np.full(len(labels), np.nan)
    for place, label in enumerate(labels):
        wrong = [score.wrong_mean for each in results if (score := each.score(label)) is not None]
        spread = np.linspace(-0.06, 0.06, len(wrong)) if len(wrong) > 1 else np.zeros(len(wrong))
        axes.plot(place + shift + spread, wrong, color=colour, alpha=0.5, linestyle="none", marker="o", markersize=3)
        if wrong:
            medians[place] = np.median(wrong)
    # A dash, and no line to the next length: nothing was measured between them.
    dash = {"marker": "_", "markersize": 14, "markeredgewidth": 1.6, "linestyle": "none"}
    axes.plot(np.arange(len(labels)) + shift, medians, color=colour, label=f"{name}, median", **dash)


def _heights(curve: Curve) -> NDArray[np.floating]:
    """What is drawn of a curve; on a logarithmic scale nothing is below a ten-thousandth."""
    return np.maximum(curve.bits if curve.excess is None else curve.excess, 1e-4)
