"""One sequence as a user's file holds it, and what makes it none. Knows no file formats and no kinds."""

from collections.abc import Iterator
from typing import IO, Any, AnyStr, NamedTuple

import numpy as np

from neuraltape.data.errors import DataError as DataError
from neuraltape.printed import record_repr

# Characters of one line. A file of nothing but zeros takes no room on a disk, and is one line.
LONGEST_LINE = 1 << 28
# What a tensor holds as it is.
SMALL = tuple(np.dtype(name) for name in ("bool", "uint8", "int8", "int16", "int32"))


class Row(NamedTuple):
    """One sequence as it stands in the file, padding removed. Arrays of bool, integers up to int64, or float64."""

    place: str
    """The file and the row, which messages begin with."""
    inputs: np.ndarray
    """What goes in: (time,) or (time, features)."""
    targets: np.ndarray | None
    """What has to come out: (), (time,) or (time, features)."""
    mask: np.ndarray | None
    """The steps that are scored, (time,) bool."""

    __repr__ = record_repr


def lines(file: IO[AnyStr], path: str) -> Iterator[AnyStr]:
    """The lines of a file, none of which is read whole without an end.

    Raises:
        DataError: a line is longer than `LONGEST_LINE`.
    """
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise DataError(f"{path}, line {number}: expected at most {LONGEST_LINE:,} characters; got more")
        yield line


def numbers(content: Any, place: str, name: str) -> np.ndarray:
    """A number, a list of numbers or a list of equally long lists of numbers, as an array of finite numbers."""
    try:
        array = np.asarray(content)
    except ValueError as error:
        raise DataError(f"{place}: {_ragged(content, name)}") from error
    if array.dtype.kind not in "biuf" or array.ndim > 2:
        raise DataError(f"{place}: {name} must be numbers, as a list of steps or a list of lists (steps of features)")
    if array.dtype.kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
        raise DataError(f"{place}: {name} must be whole numbers below 2^63; got {array.max()}")
    if array.dtype.kind == "f":
        bad = np.argwhere(~(np.abs(array) <= np.finfo(np.float32).max))
        if len(bad):
            where = f" at step {bad[0][0] + 1}" if array.ndim else ""
            raise DataError(f"{place}: {name} must be finite float32 numbers; got {array[tuple(bad[0])]}{where}")
        return array.astype(np.float64)
    # Small integers stay small: a file of bytes would take eight times as much.
    return array if array.dtype in SMALL else array.astype(np.int64)


def _ragged(content: Any, name: str) -> str:
    """Say where a nested list that is no array stops being one."""
    if isinstance(content, list) and content and isinstance(content[0], list):
        for step, features in enumerate(content):
            if not isinstance(features, list):
                return f"{name} must have {len(content[0])} features at every step; step {step + 1} is not a list"
            if len(features) != len(content[0]):
                return (
                    f"{name} must have as many features at every step; step {step + 1} has {len(features)}, "
                    f"the first has {len(content[0])}"
                )
    return f"{name} must be numbers, as a list of steps or a list of lists (steps of features)"


def bools(content: Any, place: str) -> np.ndarray:
    """A mask: one zero or one a step, as an array of bool."""
    array = numbers(content, place, "mask")
    if array.ndim != 1 or not np.isin(array, (0, 1)).all():
        raise DataError(f"{place}: mask must be a 0 or 1 (or false, true) for each step")
    return array.astype(bool)


def check_row(row: Row) -> None:
    """Raise DataError unless the row has steps, and as many targets and mask entries as steps."""
    if row.inputs.ndim == 0:
        raise DataError(f"{row.place}: inputs must be a list of steps; got a single number")
    time = len(row.inputs)
    if row.inputs.size == 0:
        raise DataError(
            f"{row.place}: inputs must have at least one step and one feature; got shape {row.inputs.shape}"
        )
    for name, array in (("targets", row.targets), ("mask", row.mask)):
        if array is None or array.ndim == 0:
            continue
        if len(array) != time:
            raise DataError(f"{row.place}: {name} must have as many steps as inputs, {time}; got {len(array)}")
        if array.size == 0:
            raise DataError(f"{row.place}: {name} must have at least one feature; got shape {array.shape}")
    if row.mask is not None and row.targets is not None and row.targets.ndim == 0:
        raise DataError(f"{row.place}: a mask needs targets at every step; with one target it is the last step's")
