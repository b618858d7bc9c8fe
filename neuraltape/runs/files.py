"""Writing files so that a kill at any moment leaves either the old one or the new one, whole."""

import os
import sys
import time
from pathlib import Path

# How often a name that somebody is reading is tried again on Windows, and seconds in between.
_TRIES, _PAUSE = 50, 0.1


def write_atomically(path: Path, data: bytes | bytearray, *, before: Path | None = None) -> None:
    """Write `data` to `path`: to a file beside it, forced to the disk, then renamed over it.

    One writer at a time: what a killed one left behind is overwritten by the next.

    Args:
        path: the file.
        data: all that it will hold.
        before: another name beside it, which the file that bears this one now gets.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if before is not None and path.exists():
        _name_too(path, before)
    replace(beside, path)
    sync_folder(path.parent)


def replace(old: Path, new: Path) -> None:
    """Rename a file or a folder, over a file that bears the new name. Windows refuses it while somebody reads there."""
    for _ in range(_TRIES if sys.platform == "win32" else 0):
        try:
            return os.replace(old, new)
        except PermissionError:
            time.sleep(_PAUSE)
    return os.replace(old, new)


def _name_too(path: Path, other: Path) -> None:
    """Give a file another name as well, so that it is never without one; only that one where a disk has no links."""
    beside = other.with_name(f".{other.name}.new")
    beside.unlink(missing_ok=True)
    try:
        os.link(path, beside)
    except OSError:
        replace(path, other)
    else:
        replace(beside, other)


def sync_folder(folder: Path) -> None:
    """Force the folder's list of names to the disk. Windows has no way to, and opens no folders."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
