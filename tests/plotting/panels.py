"""What a figure shows, read back from it."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text


def panel(figure: Figure, title: str) -> Axes:
    """The panel with this title."""
    (found,) = [axes for axes in figure.axes if axes.get_title("left") == title]
    return found


def titles(figure: Figure) -> list[str]:
    """The titles of all panels."""
    return [title for axes in figure.axes if (title := axes.get_title("left"))]


def pixels(axes: Axes) -> np.ndarray:
    """The numbers that a heat map was made from."""
    (image,) = axes.images
    return np.asarray(image.get_array())


def visible_texts(figure: Figure) -> Iterator[Text]:
    """Everything that is written in the figure once it is drawn."""
    figure.canvas.draw()
    return (text for text in figure.findobj(Text) if text.get_visible() and text.get_text())
