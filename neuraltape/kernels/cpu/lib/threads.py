"""Threads and working space: all threads of a team call one compiled function on one job and share its tasks.

The team is that of PyTorch's own OpenMP where there is one. Its idle threads wait for their next work without sleeping,
so a second set of threads beside them would have to share the processor with them. A fork would leave a child waiting
for ever for threads that it does not have, in PyTorch's operations too; so the team is dissolved before a fork, and
either side makes one anew. Otherwise, and in a forked child where it could not be dissolved, the team is made of plain
Python threads. Numba's own threads are not used: one of its layers stops the process when two Python threads enter it,
another does not survive a fork.
"""

import ctypes
import logging
import os
import threading
from array import array
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from queue import SimpleQueue
from typing import NamedTuple

import numpy as np
import torch

from neuraltape.kernels.cpu.lib.pages import allocate

# Room that a thread keeps from call to call, in bytes; what is larger is given back.
_KEPT_ROOM = 64 * 2**20
# Rooms begin with a line of the cache, and vectors do not lie across two.
_LINE = 64
# OpenMP's omp_pause_hard.
_HARD = 2

_room = threading.local()
_queue: SimpleQueue["_Share"] = SimpleQueue()
_workers = 0
_growing = threading.Lock()
_forked = _dissolved = False


class _Share:
    """One job for several threads. Who comes when all is done finds it closed."""

    def __init__(self, work: Callable[[int], None], job: array) -> None:
        self.work, self.job = work, job
        self.lock, self.done = threading.Lock(), threading.Event()
        self.closed, self.at_work = False, 0

    def help(self) -> None:
        """Take part, unless it is over."""
        with self.lock:
            if self.closed:
                return
            self.at_work += 1
        self.work(self.job.buffer_info()[0])
        with self.lock:
            self.at_work -= 1
            if self.closed and self.at_work == 0:
                self.done.set()

    def lead(self) -> None:
        """Take part, and wait for those who do."""
        self.work(self.job.buffer_info()[0])
        with self.lock:
            self.closed = True
            waiting = self.at_work > 0
        if waiting:
            self.done.wait()


def _serve(queue: SimpleQueue[_Share]) -> None:
    while True:
        # No name keeps the share: its buffers would stay alive until the next one.
        queue.get().help()


def _dissolve() -> None:
    """Before a fork: let the threads of this thread's team go, where OpenMP can (from 5.0 on)."""
    global _dissolved
    with suppress(AttributeError, OSError, TypeError):
        _dissolved = openmp() is not None and ctypes.CDLL(None).omp_pause_resource_all(_HARD) == 0


def _forget() -> None:
    """After a fork the child has none of its parent's threads."""
    global _queue, _workers, _growing, _forked
    _queue, _workers, _growing, _forked = SimpleQueue(), 0, threading.Lock(), _forked or not _dissolved


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_dissolve, after_in_child=_forget)


@cache
def openmp() -> Callable[..., None] | None:
    """GOMP_parallel(function, its argument, threads, flags) of the OpenMP that PyTorch runs on; None without one."""
    if "ATen parallel backend: OpenMP" not in torch.__config__.parallel_info():
        return None
    try:
        function = ctypes.CDLL(None).GOMP_parallel
    except (AttributeError, OSError, TypeError):
        return None
    function.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
    function.restype = None
    return function


def team(tasks: int) -> int:
    """How many threads to use for so many tasks: at most `torch.get_num_threads()`."""
    return min(torch.get_num_threads(), tasks) if tasks > 1 else 1


def run(work: Callable[[int], None], job: array, threads: int) -> None:
    """Let so many threads, this one included, call a compiled function with the address of the job.

    The function takes tasks from the job until none is left; when all threads have returned, all tasks are done.
    """
    if threads <= 1:
        work(job.buffer_info()[0])
        return
    parallel = None if _forked else openmp()
    if parallel is not None:
        parallel(work, job.buffer_info()[0], threads, 0)
    else:
        _say_so(_forked)
        _run_in_python(work, job, threads)


@cache
def _say_so(forked: bool) -> None:
    """Once a process: threads of our own are slower beside PyTorch's."""
    why = (
        "this process was forked, and OpenMP's threads do not live on in it"
        if forked
        else "PyTorch's OpenMP is not there"
    )
    logging.getLogger(__name__).warning("neuraltape: the kernels run on Python's threads: %s", why)


def _run_in_python(work: Callable[[int], None], job: array, threads: int) -> None:
    global _workers
    if _workers < threads - 1:
        with _growing:
            while _workers < threads - 1:
                threading.Thread(target=_serve, args=(_queue,), daemon=True, name="neuraltape").start()
                _workers += 1
    share = _Share(work, job)
    for _ in range(threads - 1):
        _queue.put(share)
    share.lead()


class Room(NamedTuple):
    """Working space, with anything in it."""

    memory: np.ndarray
    address: int
    """Where it begins, at a line of the cache."""


def room(size: int) -> Room:
    """So many bytes that belong to this thread until its next call."""
    kept: Room | None = getattr(_room, "kept", None)
    if kept is not None and kept.memory.nbytes >= size + _LINE:
        return kept
    memory = allocate(size + _LINE)
    made = Room(memory, -(-memory.ctypes.data // _LINE) * _LINE)
    if size <= _KEPT_ROOM:
        _room.kept = made
    return made
