"""Whose turn it is: few requests are computed at once, few wait, and nothing is computed that nobody waits for."""

import asyncio
from collections.abc import Callable
from threading import Event
from typing import TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from neuraltape.explorer.answer import GoneError

Result = TypeVar("Result")

# Requests that are computed at once, and that wait for it.
AT_ONCE, WAITING = 2, 16
# Seconds between two looks whether the client of a computation is still there.
LOOK_EVERY = 0.1


class BusyError(RuntimeError):
    """As many requests as may wait are waiting already."""


class Queue:
    """Computes for the requests of one application, in the order in which they came."""

    def __init__(self) -> None:
        self._turn, self._inside = asyncio.Semaphore(AT_ONCE), 0

    async def run(self, request: Request, work: Callable[[Event], Result]) -> Result:
        """What `work` gives, computed in a thread when its turn comes.

        Args:
            request: whose client waits for it.
            work: is given an event that is set when the client has left; it may end with a GoneError then.

        Raises:
            BusyError: too many wait already.
            GoneError: the client left in the meantime.
        """
        if self._inside >= AT_ONCE + WAITING:
            raise BusyError("too many requests are waiting; try again in a moment")
        self._inside += 1
        try:
            async with self._turn:
                if await request.is_disconnected():
                    raise GoneError("the client left")
                left = Event()
                looking = asyncio.create_task(_look(request, left))
                try:
                    return await run_in_threadpool(work, left)
                finally:
                    looking.cancel()
        finally:
            self._inside -= 1


async def _look(request: Request, left: Event) -> None:
    """Set the event when the client has left."""
    while not await request.is_disconnected():
        await asyncio.sleep(LOOK_EVERY)
    left.set()
