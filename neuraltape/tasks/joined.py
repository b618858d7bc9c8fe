"""Tensors of several files as if they were one."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class Joined:
    """Tensors (sequences, time, ...) one after the other. They stay where they are: only what is asked for is copied.

    Args:
        parts: the tensors, or what gives some, alike but for their first two sizes; shorter ones have zeros at their
            ends.
    """

    def __init__(self, parts: Sequence[Any]) -> None:
        self._parts = list(parts)
        self._longest = max(part.shape[1] for part in parts)
        self._dtype = self._parts[0].dtype
        for part in self._parts:
            self._dtype = torch.promote_types(self._dtype, part.dtype)

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def dim(self) -> int:
        """How many axes they have."""
        return self._parts[0].dim()

    def __getitem__(self, places: Any) -> Tensor:
        """Rows by their numbers, of all their steps, or of a slice from the first: `[rows]`, `[rows, :steps]`."""
        rows, steps = places if isinstance(places, tuple) else (places, slice(None))
        rows = torch.arange(len(self))[rows]
        longest = len(range(self._longest)[steps])
        found = torch.zeros((len(rows), longest, *self._parts[0].shape[2:]), dtype=self._dtype)
        begin = 0
        for part in self._parts:
            mine = (rows >= begin) & (rows < begin + len(part))
            if mine.any():
                some = part[rows[mine] - begin, :longest]
                found[mine, : some.shape[1]] = some.to(self._dtype)
            begin += len(part)
        return found
