"""Writing files so that a kill or a full disk at any moment leaves either the old one or the new one, whole.

Whatever goes wrong with a file names it. Knows nothing about what is written.
"""

import errno
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import CalledProcessError

from safetensors import SafetensorError

# Bytes of a file of settings, or of what came of a run; none of ours has a hundredth.
MOST_BYTES = 1 << 24
# How often a name that somebody is reading is tried again on Windows, and seconds in between.
_TRIES, _PAUSE = 50, 0.1


def write_atomically(path: Path, data: bytes | bytearray, *, before: Path | None = None) -> None:
    """Write `data` to `path`: to a file beside it, forced to the disk, then renamed over it.

    One writer at a time: what a killed one left behind is overwritten by the next.

    Args:
        path: the file.
        data: all that it will hold.
        before: another name beside it, which the file that bears this one now gets.

    Raises:
        OSError: the disk is full, say; it names the file, which is as it was.
    """
    with written_whole(path, before=before) as beside, beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)


@contextmanager
def written_whole(path: Path, *, before: Path | None = None) -> Iterator[Path]:
    """For what writes a file itself: another name, with the same ending, whose file is renamed over `path` at the end.

    Folders that are missing are made. Where writing fails, the part that was written is removed.

    Raises:
        OSError: see `write_atomically`.
    """
    # What a link points to is replaced, not the link.
    target = path.resolve() if path.is_symlink() else path
    beside = target.with_name(f".{target.stem}.new{target.suffix}")
    with naming(path, beside):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield beside
            if before is not None and target.exists():
                _name_too(target, before)
            replace(beside, target)
        except (Exception, KeyboardInterrupt):
            with suppress(OSError):
                beside.unlink()
            raise


@contextmanager
def naming(path: Path, *others: Path) -> Iterator[None]:
    """What goes wrong with a file inside, without a name or with one of `others`, is an OSError with this name."""
    try:
        yield
    except OSError as error:
        # Without a number it is a sentence of our own.
        if error.errno is None or (error.filename is not None and error.filename not in map(str, others)):
            raise
        # To the one that reads our output, which has gone, nothing need be said; this is another one.
        number = errno.EIO if isinstance(error, BrokenPipeError) else error.errno
        reason = "what writes it has stopped" if isinstance(error, BrokenPipeError) else error.strerror or str(error)
        raise OSError(number, reason, str(path)) from error
    except (SafetensorError, CalledProcessError) as error:
        found = re.search(r"\(os error (\d+)\)", str(error))
        number = int(found[1]) if found else errno.EIO
        reason = os.strerror(number) if found else " ".join(str(error).split())
        raise OSError(number, reason, str(path)) from error


def refuse_pipe(path: str | Path) -> None:
    """Raise OSError for what is neither a file nor a folder: who opens a pipe waits until somebody writes there."""
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise OSError(errno.EINVAL, "it is not a file", str(path))


def read_whole(path: str | Path, *, most: int = MOST_BYTES) -> bytes:
    """What a file holds. One that is none, or larger than such a file can be, is not opened.

    Args:
        path: the file.
        most: bytes that it may have.

    Raises:
        ValueError: it is no file, or too large.
        OSError: it can't be read; FileNotFoundError where it is absent.
    """
    path = Path(path)
    # A pipe would be waited for; a file of nothing but zeros takes no room on a disk, but memory.
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is not a file")
    if (size := path.stat().st_size) > most:
        raise ValueError(f"{path} is too large: expected at most {most:,} bytes; it has {size:,}")
    return path.read_bytes()


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
