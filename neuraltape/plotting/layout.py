"""Where panels stand, in inches: on a sheet of a fixed width, with the key to its colours below. Knows no trace.

Nothing is measured when a figure is drawn, which takes half of matplotlib's time; the sizes of the letters are known.
"""

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import NullLocator

from neuraltape.plotting.style import INK, SMALL, TEXT, Scale, heat_map, name_marks, prepare, prepare_curve

# A figure is made at the size in which it is printed: WIDTH inches fill the text of a page, and PAGE its height.
WIDTH, PAGE = 6.9, 9.4
# Inches: what numbers and a name take left of a panel, a title above it, numbers and a name below it.
LEFT, TITLE, BELOW = 0.46, 0.21, 0.36
# Inches from the right end of the figure, and between two panels above each other.
MARGIN, GAP = 0.14, 0.08
# Pixels of an inch in a notebook.
SHOWN = 100
# Inches of a row of keys, and of the narrowest key.
KEYS, NARROWEST = 0.5, 1.3
# What the axes of a key are called.
KEY = "key"


class Picture(Figure):
    """A figure that a notebook shows, once, when a cell ends with it: pyplot, which would do it, isn't used."""

    def __init__(self, width: float, height: float) -> None:
        super().__init__((width, height))
        self.placed: list[Axis] = []
        """The axes whose names stand where they stand, whatever the numbers beside them ask for."""

    def panel(self, left: float, top: float, width: float, height: float, *, aside: float | None = LEFT - 0.17) -> Axes:
        """A panel of so many inches, so far from the figure's top left corner.

        Args:
            left: inches from the figure's left end.
            top: inches from the figure's top.
            width: inches.
            height: inches.
            aside: inches from its left side to its vertical name; None: as far as its numbers ask for.
        """
        across, down = self.get_size_inches()
        place = left / across, 1 - (top + height) / down, width / across, height / down
        axes = self.add_axes(place)
        axes.xaxis.set_label_coords(0.5, -0.2 / height)
        self.placed.append(axes.xaxis)
        if aside is not None:
            axes.yaxis.set_label_coords(-aside / width, 0.5)
            self.placed.append(axes.yaxis)
        return axes

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """PNG with twice the pixels of the size at which it is shown."""
        written = BytesIO()
        self.savefig(written, format="png", dpi=2 * SHOWN)
        width, height = self.get_size_inches()
        return written.getvalue(), {"width": round(width * SHOWN), "height": round(height * SHOWN)}


def new_figure(width: float, height: float) -> Picture:
    """An empty figure of so many inches."""
    return Picture(width, height)


def text_width(text: str, size: float = SMALL) -> float:
    """How many inches a line of text takes."""
    return text_to_path.get_text_width_height_descent(text, FontProperties(size=size), ismath=False)[0] / 72


def fitted(heights: Sequence[float], least: Sequence[float], total: float) -> list[float]:
    """Heights in these proportions that fill the total; none is below its least, though the total be passed."""
    kept: set[int] = set()
    while True:
        spare = total - sum(least[place] for place in kept)
        free = sum(height for place, height in enumerate(heights) if place not in kept)
        found = [
            least[place] if place in kept else height * max(0.0, spare) / free for place, height in enumerate(heights)
        ]
        short = {place for place, height in enumerate(found) if height < least[place]}
        if not short:
            return found
        kept |= short


class Key(NamedTuple):
    """What the colours of some panels mean."""

    scale: Scale
    limit: float
    label: str


def merged(keys: Iterable[Key]) -> list[Key]:
    """One key for all panels of the same colours."""
    labels: dict[tuple[Scale, float], dict[str, None]] = {}
    for key in keys:
        labels.setdefault((key.scale, key.limit), {})[key.label] = None
    return [Key(scale, limit, ", ".join(names)) for (scale, limit), names in labels.items()]


def in_rows(keys: Iterable[Key], *, left: float = LEFT) -> list[list[tuple[float, Key]]]:
    """Merged keys beside each other, as many as fit, each with the inches from the left at which it stands."""
    rows: list[list[tuple[float, Key]]] = [[]]
    place = left
    for key in merged(keys):
        width = max(NARROWEST, text_width(key.label, TEXT)) + 0.3
        if rows[-1] and place + width > WIDTH:
            rows.append([])
            place = left
        rows[-1].append((place, key))
        place += width
    return rows


def draw_keys(figure: Picture, rows: Sequence[Sequence[tuple[float, Key]]]) -> None:
    """A thin bar for each key, at the bottom of the figure, its label above it."""
    down = figure.get_size_inches()[1]
    for number, row in enumerate(rows):
        top = down - KEYS * (len(rows) - number)
        for left, key in row:
            _draw_key(figure.panel(left, top + 0.2, NARROWEST, 0.09), key)


def _draw_key(axes: Axes, key: Key) -> None:
    axes.set_label(KEY)
    low = 0.0 if key.scale == "unit" else -key.limit
    prepare(axes)
    axes.set_title(key.label, fontsize=TEXT, color=INK, loc="left", pad=2, y=1.0)
    image = heat_map(axes, np.linspace(low, key.limit, 256)[None], scale=key.scale, limit=key.limit)
    image.set_extent((low, key.limit, 0, 1))
    axes.yaxis.set_major_locator(NullLocator())
    # The shortest way to write each number: 0, 0.5, 1.
    shown = [low, (low + key.limit) / 2, key.limit]
    name_marks(axes.xaxis, shown, [f"{value:.2g}".replace("-", "\N{MINUS SIGN}") for value in shown])
    axes.tick_params(axis="x", length=2, pad=1.5)


def curve_panel(width: float, height: float, *, title: str = "", x: str = "", y: str = "") -> tuple[Figure, Axes]:
    """A figure of so many inches that is one panel of curves, and this panel."""
    figure = new_figure(width, height)
    axes = figure.panel(0.68, TITLE, width - 0.68 - MARGIN, height - TITLE - BELOW, aside=None)
    return figure, prepare_curve(axes, title=title, x=x, y=y)
