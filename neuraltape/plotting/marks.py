"""Marks, numbers and grids of axes drawn with few artists while a figure is written. Knows nothing of what is drawn.

Matplotlib makes five artists of each tick: half the time that a figure takes. Here one line draws all marks of an axis,
one collection its grid, and a text each number; the picture is the same to the pixel. Before and after, the figure is
Matplotlib's own. What somebody changed on a single tick would be lost, so this is for figures that nobody has touched.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axis import Axis, XAxis
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.markers import TICKDOWN, TICKLEFT
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, NullFormatter, NullLocator, ScalarFormatter
from numpy.typing import NDArray

# Those that say nothing beside their numbers, and whose ticks have one style.
_FORMATTERS = (FixedFormatter, NullFormatter, ScalarFormatter)
# What ticks may have been told; all of `_SAID` they must have been.
_SAID = {"length", "width", "color", "pad", "labelsize", "labelcolor"}
_SIDES = {"left", "right", "bottom", "top"}
_KNOWN = _SAID | _SIDES | {f"label{side}" for side in _SIDES} | {"gridOn", "grid_color", "grid_linewidth"}
# Matplotlib's settings, by names that are put together here.
_SETTINGS: Any = matplotlib.rcParams


@contextmanager
def few_artists(axes: Iterable[Axis]) -> Iterator[None]:
    """Within it these axes have no ticks but what is drawn in their place, except those that aren't plain.

    Args:
        axes: of a figure that is drawn meanwhile; where an axis has a name, its place does not hang on the numbers.
    """
    told = [
        (axis, axis.get_major_locator(), axis.get_major_formatter(), _drawn(axis)) for axis in axes if _is_plain(axis)
    ]
    for axis, *_ in told:
        axis.set_major_locator(NullLocator())
    try:
        yield
    finally:
        for axis, locator, formatter, artists in told:
            axis.set_major_locator(locator)
            axis.set_major_formatter(formatter)
            for artist in artists:
                artist.remove()


def _is_plain(axis: Axis) -> bool:
    said, formatter = axis.get_tick_params(), axis.get_major_formatter()
    first, second = _sides(axis)
    if type(formatter) not in _FORMATTERS or not _SAID <= said.keys() <= _KNOWN:
        return False
    formatter.set_locs(list(axis.get_majorticklocs()))
    return (
        axis.get_visible()
        and _SETTINGS[f"{'x' if isinstance(axis, XAxis) else 'y'}tick.direction"] == "out"
        and isinstance(axis.get_minor_locator(), NullLocator)
        and not formatter.get_offset()
        and {first, f"label{first}"} <= said.keys()
        and not said.get(second)
        and not said.get(f"label{second}")
    )


def _sides(axis: Axis) -> tuple[str, str]:
    """What the axis calls its two sides; before Matplotlib 3.10 a horizontal one, too, said left and right."""
    return ("bottom", "top") if "bottom" in axis.get_tick_params() else ("left", "right")


def _drawn(axis: Axis) -> list[Artist]:
    """All that Matplotlib's ticks would show, on the axis' panel."""
    axes, said, level = axis.axes, axis.get_tick_params(), isinstance(axis, XAxis)
    places = np.asarray(axis.get_majorticklocs(), np.float64)
    names = axis.get_major_formatter().format_ticks(places.tolist())
    low, high = np.sort(axis.get_view_interval())
    near = 1e-10 * (high - low)
    shown = np.flatnonzero((places >= low - near) & (places <= high + near))
    side, where = _sides(axis)[0], axes.get_xaxis_transform if level else axes.get_yaxis_transform
    artists: list[Artist] = []
    if said["gridOn"]:
        artists.append(_grid(axis, said, places[shown]))
    if said[side]:
        style = {"marker": TICKDOWN if level else TICKLEFT, "markersize": said["length"]}
        style |= {"markeredgewidth": said["width"], "color": said["color"], "linestyle": "none"}
        ends = places[shown], np.zeros(len(shown))
        artists.append(Line2D(*(ends if level else ends[::-1]), transform=where("tick1"), **style))
    if said[f"label{side}"]:
        move = axes.get_xaxis_text1_transform if level else axes.get_yaxis_text1_transform
        transform, vertical, horizontal = move(said["pad"] + said["length"])
        style = {"va": vertical, "ha": horizontal, "fontsize": said["labelsize"], "color": said["labelcolor"]}
        for tick in shown:
            place = (places[tick], 0.0) if level else (0.0, places[tick])
            artists.append(Text(*place, names[tick], transform=transform, **style))
    for artist in artists:
        artist.set_zorder(axis.get_zorder())
        artist.set_clip_on(isinstance(artist, LineCollection))
        axes.add_artist(artist)
    return artists


def _grid(axis: Axis, said: dict[str, Any], places: NDArray[np.float64]) -> LineCollection:
    level = isinstance(axis, XAxis)
    ends = np.broadcast_to([0.0, 1.0], (len(places), 2))
    along = np.broadcast_to(places[:, None], (len(places), 2))
    segments = np.stack((along, ends) if level else (ends, along), 2)
    style = {name: said.get(f"grid_{name}", _SETTINGS[f"grid.{name}"]) for name in ("color", "linewidth")}
    style |= {name: _SETTINGS[f"grid.{name}"] for name in ("linestyle", "alpha")}
    transform = (axis.axes.get_xaxis_transform if level else axis.axes.get_yaxis_transform)("grid")
    return LineCollection(list(segments), transform=transform, capstyle="projecting", **style)
