"""Large buffers that one call fills and a later one reads: kept from call to call, on large pages where there are any.

A buffer from the system comes page by page, each cleared before its first use: that can cost as much as the kernel.
"""

import mmap
import weakref
from collections import deque
from contextlib import suppress

import numpy as np
import torch
from torch import Tensor

# Bytes that are kept in all for later calls; beyond that what lies at the front of the queue is given back.
_KEPT = 128 * 2**20
# Smaller buffers are PyTorch's: its allocator keeps them itself.
_LARGE = 2**20
_PAGE = 2**21

_free: deque[np.ndarray] = deque()


def allocate(size: int) -> np.ndarray:
    """So many bytes or a few more, from the system, with anything in them."""
    if size < _LARGE or not hasattr(mmap, "MADV_HUGEPAGE"):
        return np.empty(size, np.uint8)
    # Private: a forked child must not write into its parent's.
    pages = mmap.mmap(-1, -(-size // _PAGE) * _PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    # Some systems have small pages only.
    with suppress(OSError):
        pages.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(pages, np.uint8)


def buffer(count: int, like: Tensor) -> Tensor:
    """A tensor of so many numbers, with anything in them; its memory is kept when nobody holds it any longer."""
    size = count * like.element_size()
    if size < _LARGE:
        return like.new_empty(count)
    memory = _take(size)
    view = memory[:size].view(np.float32 if like.element_size() == 4 else np.float64)
    weakref.finalize(view, _give_back, memory).atexit = False
    return torch.from_numpy(view)


def _take(size: int) -> np.ndarray:
    # Other threads, and collections of garbage in this one, may give back meanwhile: every step is atomic.
    for _ in range(len(_free)):
        try:
            memory = _free.popleft()
        except IndexError:
            break
        if size <= memory.nbytes <= 2 * size + _PAGE:
            return memory
        _free.append(memory)
    return allocate(size)


def _give_back(memory: np.ndarray) -> None:
    if memory.nbytes > _KEPT:
        # It would drive out all others and then itself.
        return
    _free.append(memory)
    while sum(each.nbytes for each in tuple(_free)) > _KEPT:
        try:
            _free.popleft()
        except IndexError:
            break
