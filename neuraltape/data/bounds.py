"""What an archive may hold: its names stay inside, and its size is bounded. Knows no archive format.

An archive comes from elsewhere: one that names files outside of its folder, or that unpacks to more than fits, is
refused before anything of it is used.
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from neuraltape.data.errors import DataError

# The largest of our data sets unpacks to a fifth of this.
MOST_BYTES = 512 * 2**20
MOST_FILES = 200_000


def check_name(name: str, path: Path) -> PurePosixPath:
    """The name of a file in an archive. Raises DataError if it could point outside of the archive's folder."""
    path_inside = PurePosixPath(name)
    parts = path_inside.parts
    if not parts or name.startswith("/") or ".." in parts or any(bad in name for bad in ("\\", ":", "\0")):
        raise DataError(f"{path}: refused, a file in it is called {name!r}, which may lie outside of its folder")
    return path_inside


def check_sizes(sizes: Iterable[int], path: Path) -> None:
    """Raise DataError if files of these sizes are too many or too large together."""
    total = count = 0
    for size in sizes:
        total, count = total + size, count + 1
        if count > MOST_FILES:
            raise DataError(f"{path}: refused, it holds more than {MOST_FILES:,} files")
        if size < 0 or total > MOST_BYTES:
            raise too_large(path)


def too_large(path: Path) -> DataError:
    """What to raise for an archive that unpacks to too much."""
    return DataError(f"{path}: refused, it unpacks to more than {MOST_BYTES // 2**20} MB")
