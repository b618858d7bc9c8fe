"""Handwritten characters of many alphabets: Lake, Salakhutdinov and Tenenbaum (2015), DOI 10.1126/science.aab3050.

Each character was drawn by twenty people; a file is one drawing, `Alphabet/characterNN/IIII_SS.png`.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neuraltape.data.contents import contents_of_files
from neuraltape.data.errors import DataError
from neuraltape.data.files import Files
from neuraltape.data.parts import DATASETS, Part
from neuraltape.data.places import find_part, open_part

if TYPE_CHECKING:
    # It is slow to import, and who has no drawings to read doesn't need it.
    from PIL import Image

BACKGROUND, EVALUATION = DATASETS["omniglot"]


# Whoever asks for more drawings at once, a training, gets all of them read: an archive is opened once for it.
FEW = 500


class Drawings:
    """The drawings of a part, characters in the order of their names; each is read when it is first asked for.

    Args:
        part, data_dir, side, centered, blur: see `read_drawings`.
        stamp: when the archive was written last; None where it is none.
    """

    def __init__(
        self, part: Part, data_dir: str | None, side: int, centered: bool, blur: float, stamp: int | None
    ) -> None:
        self._part, self._data_dir, self._stamp = part, data_dir, stamp
        self._scale = side, centered, blur * side
        with open_part(part, data_dir) as files:
            self.place = files.path
            """Where they are."""
            characters: dict[tuple[str, str], list[str]] = {}
            for name in files.names:
                alphabet, character, _ = name.split("/")
                characters.setdefault((alphabet, character), []).append(name)
        self._names = [name for group in characters.values() for name in group]
        self._pixels = np.zeros((len(self._names), side, side), np.uint8)
        self._read = np.zeros(len(self._names), bool)
        self.alphabet_names = tuple(sorted({alphabet for alphabet, _ in characters}))
        """The alphabets in the order of their numbers."""
        self.alphabets = np.array([self.alphabet_names.index(alphabet) for alphabet, _ in characters])
        """The number of each character's alphabet, (characters,) int64."""
        self.first = np.cumsum([0, *map(len, characters.values())])
        """Where each character's drawings begin, and the end of the last one's: (characters + 1,) int64."""

    @cached_property
    def contents(self) -> str:
        """What all files hold, see `contents_of_files`, after the part's name. Raises DataError as `take` does."""
        with self._opened() as files:
            return f"{self._part.name} {contents_of_files(files)}"

    @property
    def pixels(self) -> np.ndarray:
        """All drawings, (drawings, side, side) uint8: 0 is paper, 255 is ink. Raises DataError as `take` does."""
        return self.take(np.arange(len(self._names)))

    def take(self, index: np.ndarray) -> np.ndarray:
        """Some drawings, (drawings, side, side) uint8, by their numbers.

        Raises:
            DataError: one is no picture, or the archive is another by now.
        """
        missing = np.unique(index[~self._read[index]])
        if missing.size:
            if missing.size > FEW:
                missing = np.flatnonzero(~self._read)
            with self._opened() as files:
                for number in missing:
                    self._pixels[number] = _drawing(files, self._names[number], *self._scale)
            self._read[missing] = True
        return self._pixels[index]

    @contextmanager
    def _opened(self) -> Iterator[Files]:
        if _stamp_of(self._part, self._data_dir) != self._stamp:
            raise DataError(f"{self.place} has changed since it was opened")
        with open_part(self._part, self._data_dir) as files:
            yield files


def has_evaluation(data_dir: str | Path | None) -> bool:
    """Whether the official evaluation set is there, see `find_part`."""
    return find_part(EVALUATION, data_dir) is not None


def read_drawings(
    part: Part, data_dir: str | Path | None, side: int, *, centered: bool = False, blur: float = 0.0
) -> Drawings:
    """Open a part of Omniglot, whose drawings are scaled down when they are asked for.

    Args:
        part: BACKGROUND or EVALUATION.
        data_dir: see `open_part`.
        side: pixels in a row and in a column; each becomes the mean of the area that it covers.
        centered: move each drawing so that its ink's centre of mass lies in the middle.
        blur: standard deviation of the Gaussian filter that follows, in shares of the side.

    Raises:
        DataError: it is not there, or broken.
    """
    # What was read is kept, for two files at their present state: a training reads one part, its evaluations another.
    stamp = _stamp_of(part, data_dir)
    return _open(part, None if data_dir is None else str(data_dir), side, centered, blur, stamp)


def _stamp_of(part: Part, data_dir: str | Path | None) -> int | None:
    path = find_part(part, data_dir)
    return path.stat().st_mtime_ns if path is not None and path.is_file() else None


_open = lru_cache(maxsize=2)(Drawings)


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
