"""Whose turn it is: few requests are computed at once, few wait, and nothing is computed that nobody waits for."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

Result = TypeVar("Result")

# Requests that are computed at once, and that wait for it.
AT_ONCE, WAITING = 2, 16


class BusyError(RuntimeError):
    """As many requests as may wait are waiting already."""


class GoneError(RuntimeError):
    """The client left before its turn came."""


class Queue:
    """Computes for the requests of one application, in the order in which they came."""

    def __init__(self) -> None:
        self._turn, self._inside = asyncio.Semaphore(AT_ONCE), 0

    async def run(self, request: Request, work: Callable[[], Result]) -> Result:
        """What `work` gives, computed in a thread when its turn comes.

        Raises:
            BusyError: too many wait already.
            GoneError: the client left in the meantime; nothing was computed.
        """
        if self._inside >= AT_ONCE + WAITING:
            raise BusyError("too many requests are waiting; try again in a moment")
        self._inside += 1
        try:
            async with self._turn:
                if await request.is_disconnected():
                    raise GoneError("the client left")
                return await run_in_threadpool(work)
        finally:
            self._inside -= 1
