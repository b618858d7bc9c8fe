"""How every figure looks: letters, colours, colour maps, labels. Knows nothing of what is drawn.

Figures are made without pyplot, so drawing one changes no global state.
"""

from collections.abc import Sequence
from math import floor, log10
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.image import AxesImage
from matplotlib.ticker import FixedFormatter, FixedLocator, LogFormatter, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

# Points.
TEXT, SMALL = 8.0, 7.0
# Points: the width of frames and marks, and how far a mark reaches out of its panel.
THIN, MARK = 0.6, 2.5

# Okabe and Ito's colours, which remain distinct to the colour-blind.
BLUE, ORANGE, GREEN, RED, SKY, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"
LINES = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED)
INK, FAINT, GRID = "#222222", "#B8B8B8", "#E4E4E4"
# Stands out from both ends of UNIT_MAP and from those of SIGNED_MAP.
ERROR = "#00A5B5"
# How much of its colour a number keeps that nobody asks for, an output that isn't scored.
PALE = 0.22

# The digits of an exponent.
RAISED = str.maketrans("-0123456789", "\N{SUPERSCRIPT MINUS}⁰¹²³⁴⁵⁶⁷⁸⁹")

# A line through no more points than these shows every one of them.
FEW = 60

Scale = Literal["unit", "signed"]


def _on_paper() -> Colormap:
    """Magma from the other end, whose palest quarter runs into white."""
    colours = matplotlib.colormaps["magma_r"](np.linspace(0, 1, 256))
    white = np.clip(1 - np.linspace(0, 4, 256), 0, 1)[:, None]
    return ListedColormap(white + (1 - white) * colours, name="paper")


# Nothing is white, as the paper is: one map for what lies between 0 and 1, one for what has a sign.
UNIT_MAP, SIGNED_MAP = _on_paper(), matplotlib.colormaps["RdBu_r"]


def prepare(axes: Axes, *, title: str = "", x: str = "", y: str = "") -> Axes:
    """Set the sizes of everything written on a panel, and write its title and labels."""
    axes.tick_params(labelsize=SMALL, width=THIN, length=MARK, pad=2, color=INK, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set_linewidth(THIN)
        spine.set_color(INK)
    # Where it has a height, nothing has to be measured for it.
    axes.set_title(title, fontsize=TEXT, color=INK, loc="left", pad=3, y=1.0)
    axes.set_xlabel(x, fontsize=TEXT, color=INK, labelpad=2)
    axes.set_ylabel(y, fontsize=TEXT, color=INK, labelpad=2)
    return axes


def prepare_curve(axes: Axes, *, title: str = "", x: str = "", y: str = "") -> Axes:
    """`prepare` for a panel of curves: a light grid, no box."""
    prepare(axes, title=title, x=x, y=y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    return axes


class _Powers(LogFormatter):
    """Powers of ten in letters: as a formula, which Matplotlib makes of them, they cost more than the figure."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The number where Matplotlib would write one."""
        if not super().__call__(x, pos):
            return ""
        power = floor(log10(x) + 1e-9)
        digits = f"{x / 10.0**power:.10g}"
        ten = "10" + str(power).translate(RAISED)
        return ten if digits == "1" else f"{digits} \N{MULTIPLICATION SIGN} {ten}"


def set_log(axes: Axes) -> None:
    """A logarithmic scale upwards, its small marks in the figures' sizes: elsewhere there are none to be set."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(_Powers())
    axes.yaxis.set_minor_formatter(_Powers())
    axes.yaxis.set_tick_params(
        which="minor", labelsize=SMALL, width=THIN, length=MARK, pad=2, color=INK, labelcolor=INK
    )


def name_marks(axis: Axis, places: ArrayLike, names: Sequence[str]) -> None:
    """Marks at these places, and what is written beside each: as `set_xticks`, but no tick is made."""
    axis.set_major_locator(FixedLocator(np.asarray(places, np.float64).tolist()))
    axis.set_major_formatter(FixedFormatter(names))


def leave_marks(axis: Axis, places: ArrayLike | None = None) -> None:
    """Take the numbers of an axis away, which another panel of the same scale has.

    `places` are where the marks stand; None: where the axis would have them.
    """
    if places is not None:
        axis.set_major_locator(FixedLocator(np.asarray(places, np.float64).tolist()))
    axis.set_major_formatter(NullFormatter())


def legend(axes: Axes) -> None:
    """A legend in the figures' sizes."""
    axes.legend(fontsize=SMALL, labelcolor=INK, frameon=False, handlelength=1.6, loc="best")


def marked(points: int) -> dict[str, Any]:
    """The style of a line through so many points: of few each is a dot, so that nobody takes the line for measured."""
    return {"marker": "o", "markersize": 2.2} if points <= FEW else {}


def heat_map(
    axes: Axes,
    values: NDArray[np.floating],
    *,
    scale: Scale,
    limit: float = 1.0,
    asked: NDArray[np.bool_] | None = None,
) -> AxesImage:
    """Numbers as colours: columns are steps, rows go down.

    Args:
        axes: where.
        values: (rows, columns).
        scale: "unit": from 0 to 1; "signed": from -limit to limit.
        limit: the end of a signed scale.
        asked: (columns,): where False, the colours are pale.
    """
    low = 0.0 if scale == "unit" else -limit
    colours = UNIT_MAP if scale == "unit" else SIGNED_MAP
    image = axes.imshow(values, cmap=colours, vmin=low, vmax=limit, aspect="auto", interpolation="nearest")
    if asked is not None and not asked.all():
        image.set_alpha(np.broadcast_to(np.where(asked, 1.0, PALE), values.shape))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    return image


def round_step(least: float) -> int:
    """The first of 1, 2, 5, 10, 20, 50, ... that is not below `least`: a distance between two labels."""
    power = 1
    while True:
        for digit in (1, 2, 5):
            if digit * power >= least:
                return digit * power
        power *= 10


def scale_of(values: NDArray[np.floating]) -> tuple[Scale, float]:
    """The scale that holds these numbers, and its limit: "unit" if all lie between 0 and 1."""
    finite = values[np.isfinite(values)]
    if not finite.size or (finite.min() >= 0 and finite.max() <= 1):
        return "unit", 1.0
    return "signed", round_up(float(np.abs(finite).max()))


def round_up(value: float) -> float:
    """The next number with two digits, so that the end of a scale is easy to read."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(f"{np.ceil(value / unit - 1e-9) * unit:.2g}")
