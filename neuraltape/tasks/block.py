"""Many sequences as whole padded arrays, for files that are too large to be taken apart row by row.

What is wrong with them is said by who reads them row by row.
"""

import math
import tokenize
import zipfile
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from neuraltape.data.errors import DataError
from neuraltape.files import refuse_pipe
from neuraltape.printed import record_repr
from neuraltape.tasks.stored import DataFile, Stored

# Sequences that are looked at together.
CHUNK = 512
# Each step is a byte in memory, and a file of nothing but zeros takes no room on a disk.
MOST_STEPS = 1 << 31
# What NumPy raises of an array's header that is none: it reads some of them as Python.
BAD_HEADER = (ValueError, SyntaxError, tokenize.TokenError)


class Block(NamedTuple):
    """Padded sequences, sequences first."""

    inputs: Stored
    """(sequences, time, features) or (sequences, time)."""
    targets: Stored | None
    """(sequences, time, features), (sequences, time), one a sequence (sequences,), or None."""
    lengths: np.ndarray
    """Steps of each sequence, (sequences,) int64."""
    mask: np.ndarray | None
    """The steps that are scored, (sequences, time) bool; None: all."""

    __repr__ = record_repr


def read_block(path: str) -> Block | None:
    """The sequences of an .npz or .npy file, which stay there where they aren't compressed.

    Returns:
        None where the file is another one or no good.

    Raises:
        DataError: it has more than `MOST_STEPS` steps.
    """
    arrays = stored_arrays(path)
    if arrays is None:
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
    steps = np.full(count, time)
    if lengths is not None:
        if lengths.shape != (count,) or lengths.dtype.kind not in "iu":
            return None
        steps = lengths.whole().astype(np.int64)
        if steps.min() < 1 or steps.max() > time:
            return None
    scored = None
    if mask is not None:
        if mask.shape != (count, time) or not _numeric(mask):
            return None
        scored = mask.whole()
        if not np.isin(scored, (0, 1)).all():
            return None
        scored = scored.astype(bool)
    return Block(inputs, targets, steps, scored)


def _numeric(array: np.ndarray | Stored) -> bool:
    return array.dtype.kind in "biuf"


def stored_arrays(path: str) -> dict[str, Stored] | None:
    """The arrays of an .npz file by name, or the one of an .npy file as "inputs", which stay in the file.

    Returns:
        None where they can't be read where they lie, being compressed for one, or the file is another one.
    """
    try:
        refuse_pipe(path)
        match Path(path).suffix:
            case ".npz":
                return _arrays(DataFile(path))
            case ".npy":
                with open(path, "rb") as file:
                    return {"inputs": _stored(file, DataFile(path), 0, Path(path).stat().st_size)}
    except (OSError, *BAD_HEADER, KeyError, zipfile.BadZipFile, RuntimeError):
        pass
    return None


def _arrays(opened: DataFile) -> dict[str, Stored]:
    """The arrays of an archive. Raises what its parts raise."""
    found = {}
    with zipfile.ZipFile(opened.path) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{member.filename} is compressed")
            with archive.open(member) as file:
                array = _stored(file, opened, _offset(opened.path, member), member.file_size)
            found[member.filename.removesuffix(".npy")] = array
    # What was found is in this very file.
    opened.check()
    return found


def _stored(file: IO[bytes], opened: DataFile, offset: int, size: int) -> Stored:
    """An array in the .npy form.

    Args:
        file: where its bytes begin; `offset`: the same place in the file that is `opened`; `size`: how many they are.
    """
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, fortran, dtype = read[version](file)
    begin = file.tell()
    if fortran or dtype.hasobject or not dtype.itemsize or begin + dtype.itemsize * math.prod(shape) != size:
        raise ValueError(f"{opened.path} has an array that can't be read where it lies")
    return Stored(opened, dtype, offset + begin, shape)


def _offset(path: str, member: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin: behind a header of its own, whose two lengths stand at its end."""
    with open(path, "rb") as file:
        file.seek(member.header_offset + 26)
        name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
    return member.header_offset + 30 + name + extra
