"""Panels whose axes are drawn with few artists: one line for all marks, one text that is moved from number to number.

Matplotlib makes five artists of each tick, and a tick for each kind that an axis could have: half the time that a
figure takes. Here they are made when somebody asks for one; the axis is then drawn as Matplotlib draws it, and so it is
where it was told something that this file does not know. The picture is the same to the pixel.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis, Tick, XAxis, YAxis
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.markers import TICKDOWN, TICKLEFT
from matplotlib.text import Text
from matplotlib.ticker import NullLocator
from matplotlib.transforms import Transform
from numpy.typing import NDArray

# What a group of ticks, the major or the minor ones, may have been told; all of `_SAID` it must have been.
_SAID = {"length", "width", "color", "pad", "labelsize", "labelcolor"}
_SIDES = {"left", "right", "bottom", "top"}
_KNOWN = _SAID | _SIDES | {f"label{side}" for side in _SIDES} | {"gridOn", "grid_color", "grid_linewidth"}


class _FewArtists(Axis):
    """An axis that makes no tick before one is asked for."""

    @contextmanager
    def _no_ticks(self) -> Iterator[None]:
        """Within it there are no ticks but those that have been made."""
        lists = [name for name in ("majorTicks", "minorTicks") if name not in vars(self)]
        vars(self).update({name: [] for name in lists})
        try:
            yield
        finally:
            for name in lists:
                vars(self).pop(name, None)

    def set_tick_params(self, *args: Any, **kwargs: Any) -> None:
        with self._no_ticks():
            super().set_tick_params(*args, **kwargs)

    def set_clip_path(self, *args: Any, **kwargs: Any) -> None:
        with self._no_ticks():
            super().set_clip_path(*args, **kwargs)

    def _get_tick(self, major: bool) -> Tick:
        tick = super()._get_tick(major)
        # Matplotlib does it to the first one, of which the others are copies.
        tick.set_clip_path(self.axes.patch)
        return tick

    def draw(self, renderer: RendererBase) -> None:
        groups = [each for each in ("major", "minor") if not isinstance(self._ticker(each).locator, NullLocator)]
        if not self.get_visible() or not all(map(self._is_known, groups)) or self._has_ticks():
            super().draw(renderer)
            return
        renderer.open_group(type(self).__name__, gid=self.get_gid())
        for group in groups:
            self._draw_group(renderer, group)
        self.label.draw(renderer)
        renderer.close_group(type(self).__name__)
        self.stale = False

    def _ticker(self, group: str) -> Any:
        return self.major if group == "major" else self.minor

    def _has_ticks(self) -> bool:
        """Whether somebody asked for a tick, or something hangs on their sizes."""
        made = {"majorTicks", "minorTicks"} & vars(self).keys()
        self.major.formatter.set_locs(self.get_majorticklocs())
        return bool(made) or self._autolabelpos or bool(self.major.formatter.get_offset())

    def _is_known(self, group: str) -> bool:
        said = self.get_tick_params(group)
        first, second = ("bottom", "top") if self.axis_name == "x" else ("left", "right")
        out = matplotlib.rcParams[f"{self.axis_name}tick.direction"] == "out"
        return (
            out
            and _SAID <= said.keys() <= _KNOWN
            and not said[second]
            and not said[f"label{second}"]
            and {first, f"label{first}"} <= said.keys()
        )

    def _draw_group(self, renderer: RendererBase, group: str) -> None:
        said, upright = self.get_tick_params(group), self.axis_name == "x"
        side = "bottom" if upright else "left"
        places = np.asarray(self.get_majorticklocs() if group == "major" else self.get_minorticklocs(), np.float64)
        names = self._ticker(group).formatter.format_ticks(places)
        low, high = np.sort(self.get_transform().transform(np.asarray(self.get_view_interval())))
        along, near = self.get_transform().transform(places), 1e-10 * (high - low)
        shown = np.flatnonzero((along >= low - near) & (along <= high + near))
        where = self.axes.get_xaxis_transform if upright else self.axes.get_yaxis_transform
        if said["gridOn"]:
            self._draw(renderer, self._grid(said, places[shown], where("grid")))
        if said[side]:
            style = {"marker": TICKDOWN if upright else TICKLEFT, "markersize": said["length"]}
            style |= {"markeredgewidth": said["width"], "color": said["color"], "linestyle": "none"}
            ends = places[shown], np.zeros(len(shown))
            self._draw(renderer, Line2D(*(ends if upright else ends[::-1]), transform=where("tick1"), **style))
        if said[f"label{side}"]:
            move = self.axes.get_xaxis_text1_transform if upright else self.axes.get_yaxis_text1_transform
            transform, vertical, horizontal = move(said["pad"] + said["length"])
            text = Text(va=vertical, ha=horizontal, fontsize=said["labelsize"], color=said["labelcolor"])
            text.set_transform(transform)
            for tick in shown:
                text.set_position((places[tick], 0.0) if upright else (0.0, places[tick]))
                text.set_text(names[tick])
                self._draw(renderer, text)

    def _grid(self, said: dict[str, Any], places: NDArray[np.float64], transform: Transform) -> LineCollection:
        ends = np.broadcast_to([0.0, 1.0], (len(places), 2))
        along = np.broadcast_to(places[:, None], (len(places), 2))
        segments = np.stack((along, ends) if self.axis_name == "x" else (ends, along), 2)
        style = {name: said.get(f"grid_{name}", matplotlib.rcParams[f"grid.{name}"]) for name in ("color", "linewidth")}
        style |= {name: matplotlib.rcParams[f"grid.{name}"] for name in ("linestyle", "alpha")}
        lines = LineCollection(list(segments), transform=transform, capstyle="projecting", **style)
        lines.set_clip_path(self.axes.patch)
        return lines

    def _draw(self, renderer: RendererBase, artist: Artist) -> None:
        artist.set_figure(self.get_figure(root=False))
        artist.draw(renderer)


class _X(_FewArtists, XAxis):
    pass


class _Y(_FewArtists, YAxis):
    pass


class Panel(Axes):
    """Axes of this kind."""

    def _init_axis(self) -> None:
        self.xaxis, self.yaxis = _X(self, clear=False), _Y(self, clear=False)
        for name, spine in self.spines.items():
            spine.register_axis(self.xaxis if name in ("bottom", "top") else self.yaxis)

    def clear(self) -> None:
        """Back to empty axes, whose frame stands where it belongs."""
        super().clear()
        # A tick would do it, if there were one.
        for spine in self.spines.values():
            spine.set_position(("outward", 0.0))
