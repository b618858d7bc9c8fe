"""Reads .zip, .tar and .tar.gz archives, whole and unchanged or not at all. Writes nothing.

A broken or truncated archive, one with links or other things that are no files, with names that point outside, or that
would unpack to too much: one DataError that says so.
"""

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from stat import S_IFMT, S_ISDIR, S_ISREG
from typing import IO

from neuraltape.data.bounds import MOST_BYTES, check_name, check_sizes, too_large
from neuraltape.data.errors import DataError
from neuraltape.data.files import Files
from neuraltape.files import refuse_pipe

SUFFIXES = (".zip", ".tar.gz", ".tgz", ".tar")


@contextmanager
def open_archive(path: str | Path) -> Iterator[Files]:
    """The files in an archive.

    Args:
        path: ends in .zip, .tar.gz, .tgz or .tar.

    Raises:
        DataError: a file that is missing, no archive, broken or refused.
    """
    path = Path(path)
    if not path.name.lower().endswith(SUFFIXES):
        raise DataError(f"{path}: expected an archive that ends in {', '.join(SUFFIXES)}")
    read = _zip_files if path.name.lower().endswith(".zip") else _tar_files
    with ExitStack() as stack:
        # What goes wrong in the caller's own code while the archive is open is none of ours.
        with readable(path):
            refuse_pipe(path)
            files = read(path, stack.enter_context(path.open("rb")))
        yield files


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turns what goes wrong while `path` is read into a DataError of one line."""
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path}: broken or truncated archive ({_first_line(error)})") from error
    except (NotImplementedError, RuntimeError) as error:
        # The archive has a compression that Python doesn't know, or a password.
        raise DataError(f"{path}: cannot be unpacked ({_first_line(error)})") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def _zip_files(path: Path, file: IO[bytes]) -> Files:
    archive = zipfile.ZipFile(file)
    found: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        kind = S_IFMT(info.external_attr >> 16)
        # Archives made on Windows say nothing about the kind.
        if kind and not (S_ISREG(kind) or S_ISDIR(kind)):
            raise _no_file(path, info.filename)
        name = check_name(info.filename, path)
        if not info.is_dir():
            found[str(name)] = info
    check_sizes((info.file_size for info in found.values()), path)

    def read(name: str) -> bytes:
        with readable(path):
            return archive.read(found[name])

    return Files(path, tuple(sorted(found)), read)


def _tar_files(path: Path, file: IO[bytes]) -> Files:
    # It is unpacked into memory: going back and forth in a compressed file would unpack it again and again.
    content = file.read(MOST_BYTES + 1) if path.name.lower().endswith(".tar") else _unzipped(file)
    if len(content) > MOST_BYTES:
        raise too_large(path)
    found: dict[str, tarfile.TarInfo] = {}
    archive = tarfile.open(fileobj=io.BytesIO(content), mode="r:")  # noqa: SIM115 (nothing to close)
    for info in archive:
        if not (info.isreg() or info.isdir()):
            raise _no_file(path, info.name)
        if info.isdir() and info.name.rstrip("/") == ".":
            continue
        name = check_name(info.name, path)
        if info.isreg():
            if info.offset_data + info.size > len(content):
                raise tarfile.ReadError(f"{info.name} is cut off")
            found[str(name)] = info
    check_sizes((info.size for info in found.values()), path)

    def read(name: str) -> bytes:
        start = found[name].offset_data
        return content[start : start + found[name].size]

    return Files(path, tuple(sorted(found)), read)


def _unzipped(file: IO[bytes]) -> bytes:
    with gzip.open(file) as stream:
        return stream.read(MOST_BYTES + 1)


def _no_file(path: Path, name: str) -> DataError:
    return DataError(f"{path}: refused, {name!r} in it is a link or a device, not a file")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
