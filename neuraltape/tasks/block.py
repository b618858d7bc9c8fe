"""Many sequences as whole padded arrays, for files that are too large to be taken apart row by row.

What is wrong with them is said by who reads them row by row.
"""

import math
import tokenize
import zipfile
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from neuraltape.data.contents import Stamp, stamp_of
from neuraltape.data.errors import DataError
from neuraltape.files import refuse_pipe
from neuraltape.printed import record_repr

# Sequences that are looked at together.
CHUNK = 512
# Each step is a byte in memory, and a file of nothing but zeros takes no room on a disk.
MOST_STEPS = 1 << 31
# What NumPy raises of an array's header that is none: it reads some of them as Python.
BAD_HEADER = (ValueError, SyntaxError, tokenize.TokenError)


def check_stamp(path: str, stamp: Stamp) -> None:
    """Raise DataError where a file has been written to since. One that has lost its name stays as it is."""
    now = stamp_of(path)
    if now is not None and now.file == stamp.file and now != stamp:
        raise DataError(
            f"{path} was rewritten while it was in use, and its numbers are read where they lie; train anew, and "
            "write new data to another file (which may then be renamed to this name)"
        )


class Block(NamedTuple):
    """Padded sequences, sequences first."""

    inputs: np.ndarray
    """(sequences, time, features) or (sequences, time)."""
    targets: np.ndarray | None
    """(sequences, time, features), (sequences, time), one a sequence (sequences,), or None."""
    lengths: np.ndarray
    """Steps of each sequence, (sequences,) int64."""
    mask: np.ndarray | None
    """The steps that are scored, (sequences, time) bool; None: all."""
    stamp: Stamp
    """That of the file before it was mapped."""

    __repr__ = record_repr


def read_block(path: str) -> Block | None:
    """The sequences of an .npz or .npy file, mapped and not read where they aren't compressed.

    Returns:
        None where the file is another one or no good.

    Raises:
        DataError: it has more than `MOST_STEPS` steps.
    """
    stamp = stamp_of(path) if Path(path).is_file() else None
    arrays = map_arrays(path)
    if arrays is None or stamp is None:
        return None
    inputs, targets, lengths, mask = (arrays.pop(name, None) for name in ("inputs", "targets", "lengths", "mask"))
    if arrays or inputs is None or inputs.ndim not in (2, 3) or inputs.size == 0 or not _numeric(inputs):
        return None
    count, time = inputs.shape[:2]
    if count * time > MOST_STEPS:
        raise DataError(f"{path}: expected at most {MOST_STEPS:,} steps; got {count * time:,}")
    if targets is not None:
        fits = 1 <= targets.ndim <= 3 and targets.shape[:2] == (count, time)[: targets.ndim]
        if not fits or not targets.size or not _numeric(targets) or (targets.ndim == 1 and mask is not None):
            return None
    if lengths is None:
        lengths = np.full(count, time)
    elif lengths.shape != (count,) or lengths.dtype.kind not in "iu" or lengths.min() < 1 or lengths.max() > time:
        return None
    if mask is not None and (mask.shape != (count, time) or not _numeric(mask) or not np.isin(mask, (0, 1)).all()):
        return None
    return Block(inputs, targets, lengths.astype(np.int64), None if mask is None else mask.astype(bool), stamp)


def _numeric(array: np.ndarray) -> bool:
    return array.dtype.kind in "biuf"


def map_arrays(path: str) -> dict[str, np.ndarray] | None:
    """The arrays of an .npz file by name, or the one of an .npy file as "inputs", mapped and not read.

    Returns:
        None where they can't be mapped, being compressed for one, or the file is another one.
    """
    try:
        refuse_pipe(path)
        match Path(path).suffix:
            case ".npz":
                return _arrays(path)
            case ".npy":
                with open(path, "rb") as file:
                    return {"inputs": _mapped(file, path, 0, Path(path).stat().st_size)}
    except (OSError, *BAD_HEADER, KeyError, zipfile.BadZipFile, NotImplementedError):
        pass
    return None


def _arrays(path: str) -> dict[str, np.ndarray]:
    """The arrays of an archive, mapped. Raises what its parts raise."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{member.filename} is compressed")
            with archive.open(member) as file:
                array = _mapped(file, path, _offset(path, member), member.file_size)
            found[member.filename.removesuffix(".npy")] = array
    return found


def _mapped(file: IO[bytes], path: str, offset: int, size: int) -> np.ndarray:
    """An array in the .npy form, mapped: what is written to it stays in this process.

    Args:
        file: where its bytes begin; `offset`: the same place in the file at `path`; `size`: how many they are.
    """
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, fortran, dtype = read[version](file)
    begin = file.tell()
    if fortran or dtype.hasobject or begin + dtype.itemsize * math.prod(shape) != size:
        raise ValueError(f"{path} has an array that can't be mapped")
    return np.memmap(path, dtype, "c", offset + begin, shape)


def _offset(path: str, member: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin: behind a header of its own, whose two lengths stand at its end."""
    with open(path, "rb") as file:
        file.seek(member.header_offset + 26)
        name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
    return member.header_offset + 30 + name + extra
