"""What a figure shows, read back from it."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from neuraltape.plotting.layout import KEY, PAGE, WIDTH


def panel(figure: Figure, title: str) -> Axes:
    """The panel with this title."""
    (found,) = [axes for axes in figure.axes if axes.get_title("left") == title]
    return found


def titles(figure: Figure) -> list[str]:
    """The titles of all panels, in order; the keys to the colours are none."""
    panels = [axes for axes in figure.axes if axes.get_label() != KEY]
    return [title for axes in panels if (title := axes.get_title("left"))]


def pixels(axes: Axes) -> np.ndarray:
    """The numbers that a heat map was made from."""
    (image,) = axes.images
    return np.asarray(image.get_array())


class Recorder(RendererAgg):
    """Draws, and keeps what was written."""

    def __init__(self, figure: Figure) -> None:
        width, height = figure.get_size_inches() * figure.dpi
        super().__init__(width, height, figure.dpi)
        self.written: list[Text] = []

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None) -> None:
        super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
        self.written.append(mtext)


def visible_texts(figure: Figure) -> Iterator[Text]:
    """Everything that is written in the figure once it is drawn; numbers beyond the end of an axis are not."""
    recorder = Recorder(figure)
    figure.draw(recorder)
    axes = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    unseen = {label for axis in axes for label in axis.get_ticklabels(which="both")} - set(recorder.written)
    return (text for text in figure.findobj(Text) if text.get_visible() and text.get_text() and text not in unseen)


def check_letters(figure: Figure) -> None:
    """The figure fits a page; what is written is inside it, of a size for print, and over nothing else written."""
    texts = list(visible_texts(figure))
    assert len(texts) > 3
    width, height = figure.get_size_inches() * figure.dpi
    assert width <= figure.dpi * WIDTH
    assert height <= figure.dpi * PAGE + 1
    boxes = [text.get_window_extent() for text in texts]
    for text, box in zip(texts, boxes, strict=True):
        assert 7 <= text.get_fontsize() <= 9, text
        assert min(box.x0, box.y0) >= -0.5, text
        assert box.x1 <= width + 0.5, text
        assert box.y1 <= height + 0.5, text
    # A pixel's width of letters that touch is not seen.
    upright = [(text, box.padded(-1)) for text, box in zip(texts, boxes, strict=True) if not text.get_rotation() % 90]
    for (one, here), (other, there) in combinations(upright, 2):
        assert not here.overlaps(there), (one, other)
