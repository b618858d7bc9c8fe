import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import torch.distributed as dist

from neuraltape.training import meeting
from neuraltape.training.meeting import agree


@pytest.fixture
def port() -> Iterator[int]:
    """Of a store that lives on from attempt to attempt, as torchrun's does."""
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    yield store.port
    del store


def client(port: int) -> dist.Store:
    return dist.TCPStore("127.0.0.1", port, is_master=False, timeout=timedelta(seconds=20))


def together(port: int, waits: list[float]) -> list[str]:
    """What processes agree on that come one after the other."""

    def come(rank: int) -> str:
        time.sleep(waits[rank])
        return agree(client(port), rank, len(waits), seconds=20)

    with ThreadPoolExecutor(len(waits)) as threads:
        return list(threads.map(come, range(len(waits))))


@pytest.mark.parametrize("waits", [[0.0, 0.3, 0.0], [0.3, 0.0, 0.1]], ids=["first waits", "first is late"])
def test_all_agree_on_a_name_that_no_earlier_attempt_had(port: int, waits: list[float]) -> None:
    names = []
    for _ in range(3):
        (name,) = set(together(port, waits))
        names.append(name)
    assert len(set(names)) == 3


def test_who_does_not_come_is_waited_for_so_long_and_no_longer(port: int) -> None:
    together(port, [0.0, 0.0])
    for rank in (0, 1):
        began = time.monotonic()
        with pytest.raises(RuntimeError, match=r"not all of 2 processes came within 0\.3 s"):
            agree(client(port), rank, 2, seconds=0.3)
        assert time.monotonic() - began >= 0.3


def test_addresses_that_an_earlier_attempt_left_are_not_called(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # PyTorch's own meeting would read them as this attempt's.
    for name in ("0", "1", "default_pg/0//0", "default_pg/0//cpu//0"):
        client(port).set(name, "gone")
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}.items():
        monkeypatch.setitem(os.environ, name, value)
    stores: list[dist.Store] = []
    monkeypatch.setattr(meeting.dist, "init_process_group", lambda *a, store, **k: stores.append(store))
    meeting.meet("gloo", seconds=20)
    (store,) = stores
    assert not store.check(["0"])
    store.set("0", "mine")
    assert client(port).get("0") == b"gone"
