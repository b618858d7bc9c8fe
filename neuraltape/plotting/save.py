"""Figures as files: PNG, SVG or PDF, whichever the file's name says."""

from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from neuraltape.files import write_atomically
from neuraltape.plotting.layout import Picture
from neuraltape.plotting.marks import few_artists

SUFFIXES = (".png", ".svg", ".pdf")
# Enough for print at the size of the figure.
DOTS_PER_INCH = 220

# Settings for writing are matplotlib's own and global.
_LOCK = Lock()


def save_figure(figure: Figure, path: str | Path, *, untouched: bool = False) -> Path:
    """Write a figure; folders that are missing are made. The same figure gives the same bytes.

    Args:
        figure: what to write.
        path: ends in .png, .svg or .pdf.
        untouched: nothing on it was changed since a function of this package made it. A PNG is then drawn in two thirds
            of the time, the same to the pixel.

    Returns:
        The path.

    Raises:
        ValueError: another ending.
        OSError: the disk is full, say; it names the file, which is as it was.
    """
    path = check_suffix(path)
    # Text stays text in a PDF, so that it can be searched; no date and no random names in the file.
    settings: dict[Any, Any] = {"pdf.fonttype": 42, "svg.hashsalt": "neuraltape"}
    suffix = path.suffix.lower()
    kind = {
        # Packed harder a file is a fifth smaller, and takes twice the time.
        ".png": {"pil_kwargs": {"compress_level": 3}},
        ".svg": {"metadata": {"Date": None}},
        ".pdf": {"metadata": {"CreationDate": None}},
    }[suffix]
    # The PDF's writer does not survive a full disk.
    written = BytesIO()
    placed = figure.placed if untouched and suffix == ".png" and isinstance(figure, Picture) else ()
    with _LOCK, matplotlib.rc_context(settings), few_artists(placed):
        figure.savefig(written, format=suffix[1:], dpi=DOTS_PER_INCH, **kind)
    write_atomically(path, written.getvalue())
    return path


def check_suffix(path: str | Path) -> Path:
    """The path. Raises ValueError unless it ends in .png, .svg or .pdf."""
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"a figure's file must end in {', '.join(SUFFIXES)}; got {path.name!r}")
    return path
