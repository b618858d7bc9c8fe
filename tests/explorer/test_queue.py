"""Whose turn it is."""

import asyncio
import threading

import pytest

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")

from neuraltape.explorer.answer import GoneError
from neuraltape.explorer.queue import AT_ONCE, WAITING, BusyError, Queue


class Client:
    """A request whose client is there, or not."""

    def __init__(self, gone=False):
        self.gone = gone

    async def is_disconnected(self):
        return self.gone


def test_few_are_computed_at_once_few_wait_and_the_rest_is_told_so():
    async def trial():
        queue, free, working = Queue(), threading.Event(), []

        def work(left):
            working.append(1)
            assert free.wait(10)
            return len(working)

        tasks = [asyncio.create_task(queue.run(Client(), work)) for _ in range(AT_ONCE + WAITING)]
        while len(working) < AT_ONCE:
            await asyncio.sleep(0.001)
        with pytest.raises(BusyError, match="too many requests are waiting"):
            await queue.run(Client(), work)
        assert len(working) == AT_ONCE
        free.set()
        await asyncio.gather(*tasks)
        assert len(working) == AT_ONCE + WAITING
        assert await queue.run(Client(), lambda left: "free again") == "free again"

    asyncio.run(trial())


def test_nothing_is_computed_for_a_client_that_left():
    async def trial():
        queue, done = Queue(), []
        with pytest.raises(GoneError):
            await queue.run(Client(gone=True), lambda left: done.append(1))
        assert done == []
        assert await queue.run(Client(), lambda left: "next") == "next"

    asyncio.run(trial())


def test_a_computation_hears_that_its_client_has_left():
    async def trial():
        queue, client, heard = Queue(), Client(), []

        def work(left):
            client.gone = True
            heard.append(left.wait(10))
            raise GoneError("the client left")

        with pytest.raises(GoneError):
            await queue.run(client, work)
        assert heard == [True]
        # One whose client stays hears nothing, and nobody looks any longer when it is done.
        assert await queue.run(Client(), lambda left: left.wait(0.3)) is False
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(trial())
