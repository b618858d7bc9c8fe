"""The jobs of the LRUA kernels: one a kernel and sequence, set back to its beginning at every step."""

from array import array
from collections.abc import Iterable

import numba

from neuraltape.kernels.cpu.lib import threads
from neuraltape.kernels.cpu.lib.compiler import Kernel
from neuraltape.kernels.cpu.lib.job import CAME, NEXT, TABLE, job, parts_with
from neuraltape.kernels.cpu.lrua.plan import SIZES_KIND, Sizes, record

parts = parts_with(numba.from_dtype(SIZES_KIND))


class StepJob:
    """A kernel with the buffers that it works on, to be called at many steps.

    Args:
        kernel: whose table begins with the step.
        z: the sizes.
        item_size: bytes a number.
        tasks: how many there are at every step.
        work: numbers in a thread's room.
        table: the addresses after the step; the caller keeps what they point to.
    """

    def __init__(
        self, kernel: Kernel, z: Sizes, item_size: int, *, tasks: int, work: int, table: Iterable[int]
    ) -> None:
        self._function, self._sizes, self._team = kernel[item_size], record(z), threads.team(tasks)
        self._room = threads.room(self._team * work * item_size)
        self._job: array = job(tasks, self._sizes.ctypes.data, self._room.address, work, (0, *table))

    def __call__(self, time: int) -> None:
        """Do all tasks of one step."""
        self._job[NEXT] = self._job[CAME] = 0
        self._job[TABLE] = time
        threads.run(self._function, self._job, self._team)
