"""Threads and working space: the kernels release the interpreter's lock, so plain Python threads run them side by side.

Numba's own threads are not used: one of its layers stops the process when two Python threads enter it, another does not
survive a fork.
"""

import itertools
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

import numpy as np
import torch

# Room that a thread keeps from call to call, in bytes; what is larger is given back.
_KEPT_ROOM = 64 * 2**20

_room = threading.local()
_queue: SimpleQueue["_Job"] = SimpleQueue()
_workers = 0
_growing = threading.Lock()


class _Job:
    """Numbered tasks that any thread may take."""

    def __init__(self, task: Callable[[int], None], count: int) -> None:
        self.task, self.count = task, count
        self.numbers = itertools.count()
        self.left, self.lock, self.done = count, threading.Lock(), threading.Event()
        self.error: BaseException | None = None

    def work(self) -> None:
        """Take tasks until none is left."""
        finished = 0
        while (number := next(self.numbers)) < self.count:
            try:
                self.task(number)
            except BaseException as error:
                self.error = error
            finished += 1
        if finished:
            with self.lock:
                self.left -= finished
                if self.left == 0:
                    self.done.set()


def _serve(queue: SimpleQueue[_Job]) -> None:
    while True:
        # No name keeps the job: its buffers would stay alive until the next one.
        queue.get().work()


def _forget() -> None:
    """After a fork the child has none of its parent's threads."""
    global _queue, _workers, _growing
    _queue, _workers, _growing = SimpleQueue(), 0, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def run(task: Callable[[int], None], count: int) -> None:
    """Call task(0) ... task(count - 1) on up to `torch.get_num_threads()` threads, this one included."""
    global _workers
    helpers = min(torch.get_num_threads(), count) - 1
    if helpers <= 0:
        for number in range(count):
            task(number)
        return
    if _workers < helpers:
        with _growing:
            while _workers < helpers:
                threading.Thread(target=_serve, args=(_queue,), daemon=True, name="neuraltape").start()
                _workers += 1
    job = _Job(task, count)
    for _ in range(helpers):
        _queue.put(job)
    job.work()
    job.done.wait()
    if job.error is not None:
        raise job.error


def room(size: int, dtype: np.dtype) -> np.ndarray:
    """This thread's working space: `size` elements with anything in them."""
    kept = getattr(_room, "array", None)
    needed = size * dtype.itemsize
    if kept is None or kept.nbytes < needed:
        kept = np.empty(needed, np.uint8)
        if needed <= _KEPT_ROOM:
            _room.array = kept
    return kept[:needed].view(dtype)
