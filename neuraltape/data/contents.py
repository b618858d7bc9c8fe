"""What files hold, in a few figures: a run keeps them, so that other data is not taken for what it has learned from."""

import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, NoReturn

from neuraltape.data.errors import DataError
from neuraltape.data.files import Files
from neuraltape.files import refuse_pipe

# Files are read in parts of so many bytes.
PART = 1 << 20
# Hexadecimal digits of a checksum that are kept: 128 bits.
DIGITS = 32


class Stamp(NamedTuple):
    """What tells whether a file has been written to, without a look at what it holds."""

    file: int
    size: int
    written: int


def stamp_of(path: str | int) -> Stamp | None:
    """That of a file by its name, or of one that is open by its number, as it is now; None: there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return Stamp(found.st_ino, found.st_size, found.st_mtime_ns)


def contents_of(path: str | Path) -> str:
    """A file's size and the first half of its SHA-256, which is over the whole of it: "1234 bytes 9f86d081884c7d65...".

    Raises:
        DataError: it can't be read.
    """
    digest, size = sha256(), 0
    try:
        refuse_pipe(path)
        with open(path, "rb", buffering=0) as file:
            while part := file.read(PART):
                digest.update(part)
                size += len(part)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    return f"{size} bytes {digest.hexdigest()[:DIGITS]}"


def contents_of_files(files: Files, names: Iterable[str] | None = None) -> str:
    """The same of several files of a data set and their names, whether they lie in a folder or in an archive.

    Args:
        files: where they are.
        names: which; None: all.

    Raises:
        DataError: one can't be read.
    """
    digest, count = sha256(), 0
    for count, name in enumerate(sorted(files.names if names is None else names), start=1):  # noqa: B007
        data = files.read(name)
        digest.update(f"{name}\n{len(data)}\n".encode("utf-8", "surrogateescape"))
        digest.update(data)
    return f"{count:,} files {digest.hexdigest()[:DIGITS]}"


def check_contents(path: str | Path, kept: str) -> None:
    """Raise DataError unless a file holds what `contents_of` said of it once. One of another size is not read."""
    try:
        size = os.stat(path).st_size
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    same_size = kept.startswith(f"{size} bytes ")
    if not same_size or contents_of(path) != kept:
        refuse_contents(path, kept, f"{size} bytes")


def refuse_contents(path: str | Path, kept: str, now: str) -> NoReturn:
    """Raise the DataError that says that files hold something else. kept, now: what `contents_of` says of them."""
    was, size = (" ".join(each.split()[:2]) for each in (kept, now))
    what = f"{size} as then, but not the same" if was == size else f"{size} now, {was} then"
    raise DataError(f"{path}: it does not hold what the run has learned from ({what}); put that back, or train anew")
