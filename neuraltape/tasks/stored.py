"""Arrays that stay in their file: what is asked for is read from it, and nothing else is in memory. Knows no kinds.

They are read and not mapped: of a file that is cut short while it is in use a read is an error, where who touches a map
is killed without a word.
"""

import os
import threading
import weakref
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuraltape.data.contents import Stamp, stamp_of
from neuraltape.data.errors import DataError
from neuraltape.tasks.row import SMALL

# Windows has no reads at a place, and one place a file that is read at.
_PLACED, _TURN = hasattr(os, "preadv"), threading.Lock()


class DataFile:
    """A file that stays open: what is read is in this very file, whichever bears its name by then.

    Args:
        path: the file.
        stamp: what it has to be like; None: as it is.

    Raises:
        DataError: it is not like that, or can't be opened.
    """

    def __init__(self, path: str, stamp: Stamp | None = None) -> None:
        self.path = path
        # Another process may stand elsewhere.
        self._place = os.path.abspath(path)
        try:
            self._number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
        weakref.finalize(self, os.close, self._number)
        now = stamp_of(self._number)
        assert now is not None
        self.stamp = now if stamp is None else stamp
        self.check()

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process opens it again, and sees whether it is the same."""
        return DataFile, (self._place, self.stamp)

    def check(self) -> None:
        """Raise DataError where it has been written to since it was opened. It may have lost its name."""
        if stamp_of(self._number) != self.stamp:
            raise DataError(
                f"{self.path} was rewritten while it was in use, and its numbers are read where they lie; train anew, "
                "and write new data to another file (which may then be renamed to this name)"
            )

    def read(self, target: memoryview, place: int) -> None:
        """Fill `target`, bytes, with what stands at a place in the file.

        Raises:
            DataError: the file ends before.
            OSError: it can't be read.
        """
        while len(target):
            if _PLACED:
                count = os.preadv(self._number, [target], place)
            else:
                with _TURN:
                    os.lseek(self._number, place, os.SEEK_SET)
                    data = os.read(self._number, len(target))
                count = len(data)
                target[:count] = data
            if not count:
                self.check()
                raise DataError(f"{self.path} ends before its numbers do")
            target, place = target[count:], place + count


class Stored:
    """An array of a file, the first axis of which is read by rows. It is indexed as NumPy's are, as far as is used.

    Args:
        file: where it lies.
        dtype: of its numbers.
        place: the byte at which it begins.
        shape: its sizes; the last axis lies together.
    """

    def __init__(self, file: DataFile, dtype: np.dtype, place: int, shape: tuple[int, ...]) -> None:
        self.file, self.dtype, self._place, self._whole = file, dtype, place, shape
        self.shape = shape
        # Which of the steps are seen.
        self._steps = slice(0, shape[1] if len(shape) > 1 else 1)

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """How many bytes they are."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def whole(self) -> np.ndarray:
        """All of it, in memory."""
        return self[:] if self.ndim else self._read(0, 1).reshape(())

    def seen(self, steps: slice) -> "Stored":
        """Some of its steps: the same as `[:, steps]`."""
        begin, end, _ = steps.indices(self.shape[1])
        return self._as((len(self), max(end - begin, 0), *self.shape[2:]), begin)

    def flat(self) -> "Stored":
        """(sequences, time) of (sequences, time, 1)."""
        return self._as(self.shape[:2])

    def columns(self) -> "Stored":
        """(sequences, time, 1) of (sequences, time)."""
        return self._as((*self.shape[:2], 1))

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Rows, in memory."""
        if isinstance(rows, slice):
            begin, end, _ = rows.indices(len(self))
            return self._read(begin, max(end - begin, 0))
        return self.rows(rows, self.shape[1])

    def rows(self, rows: np.ndarray, steps: int) -> np.ndarray:
        """The first steps of some rows, (rows, steps, ...), in memory."""
        if len(rows) and (np.diff(rows) == 1).all():
            return self._read(int(rows[0]), len(rows))[:, :steps]
        found = np.empty((len(rows), steps, *self.shape[2:]), self.dtype)
        target, row = _bytes_of(found), self._row
        step = row // max(self._whole[1], 1)
        size, place = steps * step, self._place + self._steps.start * step
        for number, each in enumerate(rows.tolist() if size else ()):
            self.file.read(target[number * size : (number + 1) * size], place + each * row)
        return found

    @property
    def _row(self) -> int:
        """Bytes of a row."""
        return self.dtype.itemsize * int(np.prod(self._whole[1:], dtype=np.int64))

    def _read(self, begin: int, count: int) -> np.ndarray:
        found = np.empty((count, *self._whole[1:]), self.dtype)
        if found.size:
            self.file.read(_bytes_of(found), self._place + begin * self._row)
        return found[:, self._steps].reshape(count, *self.shape[1:]) if self.ndim > 1 else found

    def _as(self, shape: tuple[int, ...], begin: int = 0) -> "Stored":
        """The same numbers seen in another shape, from a step on."""
        other = Stored(self.file, self.dtype, self._place, self._whole)
        start = self._steps.start + begin
        other.shape, other._steps = shape, slice(start, start + shape[1])
        return other


def _bytes_of(array: np.ndarray) -> memoryview:
    """The memory of a new array."""
    return array.reshape(-1).view(np.uint8).data


def lean_dtype(array: np.ndarray | Stored) -> np.dtype:
    """What the numbers of a table are kept in: that of the array where a tensor can hold it and it is small."""
    reals = array.dtype.kind == "f" or array.ndim == 3
    kept = array.dtype in (*SMALL, np.dtype(np.float32))
    return array.dtype if kept else np.dtype(np.float32 if reals else np.int64)


class Drawn:
    """An array that stays in its file, for who draws from it: what is asked for becomes a tensor.

    Integers are as small as the file has them where a tensor holds such; reals have four bytes.
    """

    def __init__(self, array: Stored) -> None:
        self._array, self._dtype = array, lean_dtype(array)
        self.shape = torch.Size(array.shape)

    @property
    def dtype(self) -> torch.dtype:
        """The type of the tensors' numbers."""
        return torch.from_numpy(np.empty(0, self._dtype)).dtype

    def __len__(self) -> int:
        return len(self._array)

    def dim(self) -> int:
        """How many axes it has."""
        return self._array.ndim

    def __getitem__(self, places: Any) -> Tensor:
        """Rows by their numbers, of all their steps, or of a slice from the first: `[rows]`, `[rows, :steps]`."""
        rows, steps = places if isinstance(places, tuple) else (places, slice(None))
        count = len(range(self.shape[1])[steps])
        if isinstance(rows, slice):
            found = self._array[rows][:, :count]
        else:
            found = self._array.rows(rows.numpy(), count)
        # Padding may be anything, such as beyond what four bytes hold.
        with np.errstate(over="ignore", invalid="ignore"):
            return torch.from_numpy(np.ascontiguousarray(found, self._dtype))
