"""How every figure looks: sizes, colours, colour maps, labels. Knows nothing of what is drawn.

Figures are made without pyplot, so drawing one changes no global state.
"""

from io import BytesIO
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

# Points. A figure is made at the size in which it is printed: WIDTH inches fill the text of a page.
TEXT, SMALL = 8.0, 7.0
WIDTH = 6.9
# Pixels of an inch in a notebook.
SHOWN = 100

# Okabe and Ito's colours, which remain distinct to the colour-blind.
BLUE, ORANGE, GREEN, RED, SKY, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"
LINES = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED)
INK, FAINT = "#222222", "#B8B8B8"
# Stands out from both ends of UNIT_MAP and from those of SIGNED_MAP.
ERROR = "#00C2D1"

# Perceptually even: one for what lies between 0 and 1, one for what has a sign.
UNIT_MAP, SIGNED_MAP = "magma", "coolwarm"

Scale = Literal["unit", "signed"]


class Picture(Figure):
    """A figure that a notebook shows, once, when a cell ends with it: pyplot, which would do it, isn't used."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """PNG with twice the pixels of the size at which it is shown."""
        written = BytesIO()
        self.savefig(written, format="png", dpi=2 * SHOWN)
        width, height = self.get_size_inches()
        return written.getvalue(), {"width": round(width * SHOWN), "height": round(height * SHOWN)}


def new_figure(width: float, height: float) -> Picture:
    """An empty figure of so many inches that places its own panels."""
    return Picture((width, height), layout="constrained")


def prepare(axes: Axes, *, title: str = "", x: str = "", y: str = "") -> Axes:
    """Set the sizes of everything written on a panel, and write its title and labels."""
    axes.tick_params(labelsize=SMALL, width=0.6, length=2.5, pad=2, color=INK, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set_linewidth(0.6)
        spine.set_color(INK)
    if title:
        axes.set_title(title, fontsize=TEXT, color=INK, loc="left", pad=3)
    axes.set_xlabel(x, fontsize=TEXT, color=INK, labelpad=2)
    axes.set_ylabel(y, fontsize=TEXT, color=INK, labelpad=2)
    return axes


def prepare_curve(axes: Axes, *, title: str = "", x: str = "", y: str = "") -> Axes:
    """`prepare` for a panel of curves: a light grid, no box."""
    prepare(axes, title=title, x=x, y=y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color="#E4E4E4", linewidth=0.5)
    axes.set_axisbelow(True)
    return axes


def legend(axes: Axes) -> None:
    """A legend in the figures' sizes."""
    axes.legend(fontsize=SMALL, labelcolor=INK, frameon=False, handlelength=1.6, loc="best")


def heat_map(axes: Axes, values: NDArray[np.floating], *, scale: Scale, limit: float = 1.0) -> AxesImage:
    """Numbers as colours: columns are steps, rows go down.

    Args:
        axes: where.
        values: (rows, columns).
        scale: "unit": from 0 to 1; "signed": from -limit to limit.
        limit: the end of a signed scale.
    """
    low = 0.0 if scale == "unit" else -limit
    colours = UNIT_MAP if scale == "unit" else SIGNED_MAP
    image = axes.imshow(values, cmap=colours, vmin=low, vmax=limit, aspect="auto", interpolation="nearest")
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


def colour_bar(image: AxesImage, axes: Axes | list[Axes], label: str = "") -> Colorbar:
    """A thin colour bar beside a panel, or beside a row of panels, as high as they are."""
    if isinstance(axes, Axes):
        bar = axes.figure.colorbar(image, cax=axes.inset_axes((1.015, 0, 0.022, 1)))
    else:
        bar = axes[0].figure.colorbar(image, ax=axes, pad=0.012, fraction=0.05, aspect=20)
    bar.ax.tick_params(labelsize=SMALL, width=0.6, length=2, pad=1.5, color=INK, labelcolor=INK)
    low, high = image.get_clim()
    bar.set_ticks([low, (low + high) / 2, high])
    # The shortest way to write each number: 0, 0.5, 1.
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2g}".replace("-", "\N{MINUS SIGN}")))
    bar.outline.set_linewidth(0.6)  # pyright: ignore[reportCallIssue, reportAttributeAccessIssue]
    if label:
        bar.set_label(label, fontsize=TEXT, color=INK, labelpad=2)
    return bar


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
