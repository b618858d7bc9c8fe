"""Many equally long sequences as whole arrays, for files that are too large to be taken apart row by row.

What is wrong with them is said by who reads them row by row.
"""

import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuraltape.files import refuse_pipe
from neuraltape.printed import record_repr

SUFFIX = ".npz"
# Sequences that are looked at together.
CHUNK = 2048


class Block(NamedTuple):
    """Equally long sequences, sequences first."""

    inputs: np.ndarray
    """(sequences, time, features) or (sequences, time)."""
    targets: np.ndarray | None
    """(sequences, time, features), (sequences, time), or None."""

    __repr__ = record_repr


def read_block(path: str) -> Block | None:
    """The sequences of an .npz file, mapped and not read where they aren't compressed.

    Returns:
        None where they aren't equally long, have a mask or one target each, or the file is another one or no good.
    """
    if Path(path).suffix != SUFFIX:
        return None
    try:
        refuse_pipe(path)
        arrays = _arrays(path)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, NotImplementedError):
        return None
    inputs, targets = arrays.get("inputs"), arrays.get("targets")
    if inputs is None or len(arrays) > (1 if targets is None else 2) or inputs.ndim not in (2, 3) or inputs.size == 0:
        return None
    if targets is not None and (
        targets.ndim not in (2, 3) or targets.shape[:2] != inputs.shape[:2] or not targets.size
    ):
        return None
    if any(array.dtype.kind not in "biuf" for array in arrays.values()):
        return None
    return Block(inputs, targets)


def _arrays(path: str) -> dict[str, np.ndarray]:
    """The arrays of an archive, mapped: what is written to them stays in this process. Raises what its parts raise."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{member.filename} is compressed")
            with archive.open(member) as file:
                version = np.lib.format.read_magic(file)
                read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
                shape, fortran, dtype = read[version](file)
                begin = file.tell()
            if fortran or dtype.hasobject or begin + dtype.itemsize * int(np.prod(shape)) != member.file_size:
                raise ValueError(f"{member.filename} can't be mapped")
            offset = _offset(path, member) + begin
            found[member.filename.removesuffix(".npy")] = np.memmap(path, dtype, "c", offset, shape)
    return found


def _offset(path: str, member: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin: behind a header of its own, whose two lengths stand at its end."""
    with open(path, "rb") as file:
        file.seek(member.header_offset + 26)
        name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
    return member.header_offset + 30 + name + extra
