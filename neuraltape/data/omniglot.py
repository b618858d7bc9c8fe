"""Handwritten characters of many alphabets: Lake, Salakhutdinov and Tenenbaum (2015), DOI 10.1126/science.aab3050.

Each character was drawn by twenty people; a file is one drawing, `Alphabet/characterNN/IIII_SS.png`.
"""

import io
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from neuraltape.data.contents import contents_of_files
from neuraltape.data.errors import DataError
from neuraltape.data.files import Files
from neuraltape.data.parts import DATASETS, Part
from neuraltape.data.places import find_part, open_part
from neuraltape.printed import record_repr

if TYPE_CHECKING:
    # It is slow to import, and who has no drawings to read doesn't need it.
    from PIL import Image

BACKGROUND, EVALUATION = DATASETS["omniglot"]


class Drawings(NamedTuple):
    """All drawings of a part, characters in the order of their names."""

    pixels: np.ndarray
    """The drawings, (drawings, side, side) uint8: 0 is paper, 255 is ink."""
    first: np.ndarray
    """Where each character's drawings begin, and the end of the last one's: (characters + 1,) int64."""
    alphabets: np.ndarray
    """The number of each character's alphabet, (characters,) int64."""
    alphabet_names: tuple[str, ...]
    """The alphabets in the order of their numbers."""
    place: Path
    """Where they were."""
    contents: str
    """What the files hold, see `contents_of_files`, after the part's name."""

    __repr__ = record_repr


def has_evaluation(data_dir: str | Path | None) -> bool:
    """Whether the official evaluation set is there, see `find_part`."""
    return find_part(EVALUATION, data_dir) is not None


def read_drawings(
    part: Part, data_dir: str | Path | None, side: int, *, centered: bool = False, blur: float = 0.0
) -> Drawings:
    """Read a part of Omniglot and scale every drawing down.

    Args:
        part: BACKGROUND or EVALUATION.
        data_dir: see `open_part`.
        side: pixels in a row and in a column; each becomes the mean of the area that it covers.
        centered: move each drawing so that its ink's centre of mass lies in the middle.
        blur: standard deviation of the Gaussian filter that follows, in shares of the side.

    Raises:
        DataError: it is not there or broken, or holds something that is no drawing.
    """
    # What was read is kept, for two files at their present state: a training reads one part, its evaluations another.
    path = find_part(part, data_dir)
    stamp = path.stat().st_mtime_ns if path is not None and path.is_file() else None
    return _read(part, None if data_dir is None else str(data_dir), side, centered, blur, stamp)


@lru_cache(maxsize=2)
def _read(part: Part, data_dir: str | None, side: int, centered: bool, blur: float, stamp: int | None) -> Drawings:
    with open_part(part, data_dir) as files:
        characters: dict[tuple[str, str], list[str]] = {}
        for name in files.names:
            alphabet, character, _ = PurePosixPath(name).parts
            characters.setdefault((alphabet, character), []).append(name)
        names = sorted({alphabet for alphabet, _ in characters})
        first = np.cumsum([0, *map(len, characters.values())])
        alphabets = np.array([names.index(alphabet) for alphabet, _ in characters])
        every = (name for group in characters.values() for name in group)
        pixels = np.stack([_drawing(files, name, side, centered, blur * side) for name in every])
        return Drawings(pixels, first, alphabets, tuple(names), files.path, f"{part.name} {contents_of_files(files)}")


def _drawing(files: Files, name: str, side: int, centered: bool, blur: float) -> np.ndarray:
    from PIL import Image, ImageFilter, ImageOps

    try:
        with Image.open(io.BytesIO(files.read(name))) as image:
            ink = ImageOps.invert(image.convert("L"))
            if centered:
                ink = _centered(ink)
            small = ink.resize((side, side), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(blur))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{files.path}: {name} is no picture that can be read ({error})") from error
    return np.asarray(small)


def _centered(ink: "Image.Image") -> "Image.Image":
    """The picture moved, by whole pixels, so that its centre of mass lies in the middle; what leaves it is lost."""
    from PIL import Image

    weight = np.asarray(ink, np.float64)
    if weight.sum() == 0:
        return ink
    rows, columns = weight.sum(1), weight.sum(0)
    down, right = (
        round((len(mass) - 1) / 2 - np.average(np.arange(len(mass)), weights=mass)) for mass in (rows, columns)
    )
    return ink.transform(ink.size, Image.Transform.AFFINE, (1, 0, -right, 0, 1, -down))
