"""How the processes that torchrun started find each other, each of them this time's.

torchrun keeps one store for all its attempts, and PyTorch's own meeting finds there what an earlier attempt left: the
addresses of processes that are gone. Who comes first would call those and fail. So the processes agree on a name first
that no earlier attempt had, and meet under that one. Knows no training.
"""

import os
import time
import uuid
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

import torch.distributed as dist

if TYPE_CHECKING:
    # Some builds of PyTorch have none of these.
    from torch._C._distributed_c10d import Store

# Seconds between two looks at the store.
PAUSE = 0.02


def meet(backend: str, *, seconds: float) -> None:
    """Join the processes of this attempt into PyTorch's group, as torchrun's variables in the environment number them.

    Args:
        backend: PyTorch's name of what carries the messages, "gloo" or "nccl".
        seconds: how long the others are waited for.

    Raises:
        RuntimeError: they have not come, or the store can't be reached.
    """
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    place, port, timeout = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), timedelta(seconds=seconds)
    # The module's list of names, which type checkers go by, leaves the stores out.
    store = dist.TCPStore(place, port, is_master=False, timeout=timeout)  # pyright: ignore[reportPrivateImportUsage]
    # Beside what they agreed by, which stands under the same name.
    name = f"{agree(store, rank, world, seconds=seconds)}/group"
    inside = dist.PrefixStore(name, store)  # pyright: ignore[reportPrivateImportUsage]
    dist.init_process_group(backend, store=inside, rank=rank, world_size=world, timeout=timeout)


def agree(store: "Store", rank: int, world: int, *, seconds: float) -> str:
    """A name that all processes come to know, and that is of these very processes.

    Each puts a mark under its number that nobody had before. The first one makes a list of the marks that it finds, and
    makes it again while they change: those of an earlier attempt may still stand there. Who finds its own mark on the
    list says so; once everybody has, the list is right.

    Args:
        store: what all of them can reach; it may hold what earlier ones left.
        rank, world: this one's number, and how many there are.
        seconds: how long the others are waited for.

    Raises:
        RuntimeError: they have not come.
    """
    mark, until = uuid.uuid4().hex, time.monotonic() + seconds
    places, roll = [f"neuraltape/{number}" for number in range(world)], "neuraltape/roll"
    store.set(places[rank], mark)
    listed = ""
    while time.monotonic() < until:
        if rank == 0 and store.check(places):
            now = b",".join(store.multi_get(places)).decode()
            if now != listed:
                store.set(roll, now)
        if store.check([roll]):
            listed = store.get(roll).decode()
            marks = listed.split(",")
            name = f"neuraltape/{blake2b(listed.encode(), digest_size=16).hexdigest()}"
            if len(marks) == world and marks[rank] == mark:
                store.set(f"{name}/{rank}", "here")
                if store.check([f"{name}/{number}" for number in range(world)]):
                    return name
        time.sleep(PAUSE)
    raise RuntimeError(f"not all of {world} processes came within {seconds:g} s")
