"""Folders: read like archives, and made of them."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from neuraltape.data.archive import readable
from neuraltape.data.bounds import MOST_BYTES, MOST_FILES, check_name
from neuraltape.data.errors import DataError
from neuraltape.data.files import Files
from neuraltape.files import naming, read_whole


def open_folder(path: str | Path) -> Files:
    """The files in a folder and below it. Raises DataError if it can't be read, or holds too many."""
    path = Path(path)
    names: list[str] = []

    def fail(error: OSError) -> None:
        raise error

    with readable(path):
        for folder, _, files in os.walk(path, onerror=fail):
            names += ((Path(folder) / file).relative_to(path).as_posix() for file in files)
            if len(names) > MOST_FILES:
                raise DataError(f"{path}: expected the folder of a data set; it holds more than {MOST_FILES:,} files")

    def read(name: str) -> bytes:
        with readable(path / name):
            try:
                return read_whole(path / name, most=MOST_BYTES)
            except ValueError as error:
                raise DataError(str(error)) from None

    return Files(path, tuple(sorted(names)), read)


def unpack(files: Files, folder: Path, *, told: Callable[[int, int], None] | None = None) -> None:
    """Write files into a new folder: all of them, or the folder does not come to be.

    Args:
        files: files whose names stay inside a folder.
        folder: must not exist.
        told: called with how many files are written, and of how many.

    Raises:
        DataError: a name that leads outside, or a file that can't be read.
        OSError: the disk is full, say; it names the file.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for number, name in enumerate(files.names, start=1):
            path = beside / check_name(name, files.path)
            data = files.read(name)
            with naming(folder / name, path):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            if told is not None:
                told(number, len(files.names))
        # The temporary folder is for this user only; the data need not be.
        beside.chmod(0o755)
        os.rename(beside, folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
