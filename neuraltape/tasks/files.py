"""Reads the sequences in a user's file: .npz, .jsonl, and tables. Knows no kinds and no batches."""

import json
import math
import os
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from neuraltape.files import refuse_pipe
from neuraltape.tasks.block import BAD_HEADER, stored_arrays
from neuraltape.tasks.columns import SUFFIXES, Columns, read_columns
from neuraltape.tasks.row import DataError, Row, bools, check_row, lines, numbers
from neuraltape.tasks.stored import Stored

OF_ARRAYS = ("inputs", "targets", "lengths", "mask")
KEYS = {".npz": OF_ARRAYS, ".npy": OF_ARRAYS, ".jsonl": ("inputs", "targets", "mask")}
# What comes as a list of arrays, one a sequence.
PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".mat")
CONVERT = "docs/own-data.md says how to write lists of arrays as .npz"
# What is read row by row lies in memory, twice: bytes of it.
MOST_BYTES = 1 << 30


class TooLargeError(DataError):
    """A file is too large to be taken apart row by row."""


def read_rows(path: str, columns: Columns | None = None) -> list[Row]:
    """The sequences of a file; each for itself is consistent.

    Args:
        path: ends in .npz (padded arrays, sequences first: `inputs`, and optionally `targets`, `lengths`, `mask`),
            .npy (the inputs alone), .jsonl (a line a sequence: `inputs`, and optionally `targets`, `mask`; blank lines
            are skipped), or .csv or .parquet (a line a step; see `read_columns`).
        columns: which columns of a table are what; None: see `Columns`.

    Raises:
        DataError: a missing or unreadable file, a row that isn't a sequence, or columns of a file that has none.
    """
    suffix = Path(path).suffix
    if suffix in PICKLES:
        raise DataError(f"{path}: a {suffix} file may run code when it is opened, and is not read; {CONVERT}")
    if suffix not in (*KEYS, *SUFFIXES):
        known = f"{', '.join(KEYS)}, {' or '.join(SUFFIXES)}"
        raise DataError(f"{path}: expected a file that ends in {known}; a text in .txt")
    if suffix in KEYS and columns not in (None, Columns()):
        raise DataError(f"{path}: inputs and targets are names of columns, for {' and '.join(SUFFIXES)} files")
    try:
        refuse_pipe(path)
        if suffix in SUFFIXES:
            rows = read_columns(path, columns or Columns())
        else:
            rows = _jsonl_rows(path) if suffix == ".jsonl" else _npz_rows(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not rows:
        raise DataError(f"{path}: empty; expected at least one sequence")
    for row in rows:
        check_row(row)
    return rows


def _npz_rows(path: str) -> list[Row]:
    arrays = stored_arrays(path) or _npz_arrays(path)
    _check_keys(path, arrays, KEYS[".npz"])
    inputs = arrays["inputs"]
    if inputs.ndim not in (2, 3):
        raise DataError(
            f"{path}: inputs must be (sequences, time, features) or (sequences, time); got shape {inputs.shape}"
        )
    count, time = inputs.shape[:2]
    if inputs.size == 0:
        raise DataError(f"{path}: empty; inputs must have at least one sequence, step and feature; got {inputs.shape}")
    lengths = arrays.get("lengths", np.full(count, time))
    targets, mask = arrays.get("targets"), arrays.get("mask")
    if lengths.shape != (count,) or lengths.dtype.kind not in "iu":
        raise DataError(
            f"{path}: lengths must be {count} integers, one a sequence; got {lengths.dtype} of shape {lengths.shape}"
        )
    if targets is not None and (targets.ndim > 3 or targets.shape[:2] != (count, time)[: targets.ndim or 1]):
        raise DataError(
            f"{path}: targets must be ({count}, {time}, features), ({count}, {time}) or ({count},) to go with inputs; "
            f"got shape {targets.shape}"
        )
    if mask is not None and mask.shape != (count, time):
        raise DataError(f"{path}: mask must be ({count}, {time}) to go with inputs; got shape {mask.shape}")
    if (size := sum(array.nbytes for array in arrays.values())) > MOST_BYTES:
        raise TooLargeError(_too_large(path, size))
    inputs, lengths = (each.whole() if isinstance(each, Stored) else each for each in (inputs, lengths))
    targets, mask = (each.whole() if isinstance(each, Stored) else each for each in (targets, mask))
    rows = []
    for i, length in enumerate(lengths.tolist()):
        place = f"{path}, row {i + 1} (inputs[{i}])"
        if not 1 <= length <= time:
            raise DataError(f"{place}: its length must be between 1 and {time}; got {length}")
        target = None if targets is None else targets[i] if targets.ndim == 1 else targets[i, :length]
        rows.append(
            Row(
                place,
                numbers(inputs[i, :length], place, "inputs"),
                None if target is None else numbers(target, place, "targets"),
                None if mask is None else bools(mask[i, :length], place),
            )
        )
    return rows


def _npz_arrays(path: str) -> dict[str, np.ndarray]:
    try:
        with open(path, "rb") as file:
            if (size := _unpacked(file)) > MOST_BYTES:
                raise TooLargeError(_too_large(path, size, compressed=_is_compressed(file)))
            file.seek(0)
            # Pickled objects stay shut: opening a data file must not run code from it.
            archive = np.load(file, allow_pickle=False)
            single = isinstance(archive, np.ndarray)
            if single != (Path(path).suffix == ".npy"):
                raise ValueError(f"this is {'a single array, a .npy file' if single else 'an archive, an .npz file'}")
            arrays = {"inputs": archive} if single else {name: archive[name] for name in archive.files}
        # A member that is no array comes back as its bytes.
        return {name: np.asarray(array) for name, array in arrays.items()}
    except DataError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, *BAD_HEADER, RuntimeError, MemoryError) as error:
        detail = str(error).splitlines()[0] if str(error) else type(error).__name__
        if detail.startswith("Object arrays"):
            detail = f"arrays of objects, which may run code when they are opened; {CONVERT}"
        expected = "an .npy array" if Path(path).suffix == ".npy" else "an .npz archive of arrays"
        raise DataError(f"{path}: expected {expected} of numbers; got: {detail}") from error


def _unpacked(file: IO[bytes]) -> int:
    """The bytes of memory that a file's arrays need, or what it unpacks to, whichever is more. Nothing is unpacked.

    Raises:
        ValueError, zipfile.BadZipFile: an array says that it is larger than what there is of it.
    """
    if not zipfile.is_zipfile(file):
        file.seek(0)
        return _check_array(file, os.fstat(file.fileno()).st_size)
    with zipfile.ZipFile(file) as archive:
        total = 0
        for member in archive.infolist():
            with archive.open(member) as inner:
                total += _check_array(inner, member.file_size)
        return total


def _check_array(file: IO[bytes], size: int) -> int:
    """The bytes of a file; what is no array says so later. Raises ValueError where its array has fewer."""
    if file.read(6) == np.lib.format.MAGIC_PREFIX:
        version = file.read(2)
        read = {b"\1\0": np.lib.format.read_array_header_1_0, b"\2\0": np.lib.format.read_array_header_2_0}
        if version not in read:
            raise ValueError(f"an array of the version {tuple(version)}")
        shape, _, dtype = read[version](file)
        if not dtype.hasobject and dtype.itemsize * math.prod(shape) > size:
            raise ValueError(f"an array that says it has the shape {shape}, in {size:,} bytes")
    return size


def _is_compressed(file: IO[bytes]) -> bool:
    """Whether it is an archive with a compressed member."""
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist())


def _too_large(path: str, size: int, *, compressed: bool = False) -> str:
    hint = " (numpy.savez writes larger ones uncompressed, and they stay in the file)" if compressed else ""
    return f"{path}: expected at most {MOST_BYTES:,} bytes of arrays that are read row by row; it has {size:,}{hint}"


def _jsonl_rows(path: str) -> list[Row]:
    rows = []
    with open(path, "rb") as file:
        for number, line in enumerate(lines(file, path), start=1):
            if not line.strip():
                continue
            place = f"{path}, row {number}"
            try:
                # The decoder limits numbers and nesting by errors of its own: ValueError, RecursionError.
                content = json.loads(line, object_pairs_hook=_object)
            except (ValueError, RecursionError) as error:
                raise DataError(f"{place}: expected one JSON object; {_reason(error)}") from error
            if not isinstance(content, dict):
                raise DataError(f'{place}: expected an object such as {{"inputs": [[0, 1], [1, 1]]}}')
            _check_keys(place, content, KEYS[".jsonl"])
            targets, mask = content.get("targets"), content.get("mask")
            rows.append(
                Row(
                    place,
                    numbers(content["inputs"], place, "inputs"),
                    None if targets is None else numbers(targets, place, "targets"),
                    None if mask is None else bools(mask, place),
                )
            )
    return rows


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different. Raises ValueError."""
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{max(names, key=names.count)!r} stands there twice")
    return content


def _check_keys(place: str, content: dict[str, Any], known: tuple[str, ...]) -> None:
    unknown = sorted(set(content) - set(known))
    if unknown:
        raise DataError(f"{place}: unknown key {unknown[0]!r}; expected {', '.join(known)}")
    if "inputs" not in content:
        raise DataError(f"{place}: no inputs; expected {', '.join(known)} (only inputs is required)")


def _reason(error: Exception) -> str:
    """A decoder's complaint; it counts lines within the row, which would confuse."""
    return f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
