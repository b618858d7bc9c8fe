"""Errors and cost against length, inside the range of training and beyond it."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from neuraltape.evaluation.report import Report
from neuraltape.plotting.layout import BELOW, MARGIN, TITLE, WIDTH, new_figure
from neuraltape.plotting.style import FAINT, INK, LINES, legend, prepare_curve, set_log


def plot_lengths(reports: Sequence[Report]) -> Figure:
    """Wrong targets a sequence on the left, cost a sequence on the right, both against length.

    Dots are means, with nothing drawn between lengths that were scored; the lines on the left reach from the median to
    the worst sequence, and the range of training is shaded.

    Args:
        reports: one or more of the same task.

    Raises:
        ValueError: no reports.
    """
    if not reports:
        raise ValueError("reports must be one or more; got none")
    first = reports[0]
    figure = new_figure(WIDTH, 2.6)
    left, right = (
        figure.panel(place + 0.62, TITLE, WIDTH / 2 - 0.62 - MARGIN, 2.6 - TITLE - BELOW, aside=None)
        for place in (0, WIDTH / 2)
    )
    x = f"length ({first.length_name})"
    prepare_curve(left, title="Errors", x=x, y="wrong targets a sequence")
    prepare_curve(right, title="Cost", x=x, y=first.score_name)
    for axes in (left, right):
        axes.axvspan(*_shade(first.trained), color=FAINT, alpha=0.35, linewidth=0, label="range of training")
    for report, colour in zip(reports, LINES * len(reports), strict=False):
        _draw(left, right, report, colour)
    _count_scale(left)
    set_log(right)
    legend(left)
    legend(right)
    return figure


def _draw(left: Axes, right: Axes, report: Report, colour: str) -> None:
    rows = sorted(report.rows, key=lambda row: row.length)
    lengths = [row.length for row in rows]
    style = {"color": colour, "marker": "o", "markersize": 4, "linestyle": "none"}
    median, worst = [row.wrong_median for row in rows], [row.wrong_worst for row in rows]
    left.vlines(lengths, median, worst, color=colour, alpha=0.35, linewidth=3, label="median to worst")
    left.plot(lengths, [row.wrong_mean for row in rows], label=f"{report.name}, mean", **style)
    right.plot(lengths, [row.bits for row in rows], label=report.name, **style)
    optima = [np.nan if row.optimum is None else row.optimum for row in rows]
    if not np.isnan(optima).all():
        right.plot(lengths, optima, color=INK, linestyle="none", marker="_", markersize=9, label="best possible")


def _shade(trained: tuple[int, int]) -> tuple[float, float]:
    """The range of training, a little wider if it is a single length."""
    low, high = trained
    return (low, high) if high > low else (low - 0.02 * low, high + 0.02 * high)


def _count_scale(axes: Axes) -> None:
    """Zero at the bottom, steps of one up to one, a logarithmic scale above."""
    axes.set_yscale("symlog", linthresh=1)
    highest = max(1.0, axes.get_ylim()[1])
    axes.set_ylim(-0.08, highest * 1.3)
    axes.set_yticks([0.0, *(10.0**power for power in range(int(np.log10(highest)) + 1))])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.minorticks_off()
