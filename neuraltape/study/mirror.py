"""A run directory on this computer that a store keeps a copy of, while a training writes it."""

import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuraltape.study.store import Store


@contextmanager
def workplace(store: Store, name: str, *, every: float) -> Iterator[Path]:
    """The run directory `name` of a store, to work in.

    In a local store it is that directory. From any other one it is copied into a temporary folder, and copied back
    every few seconds, and at the end, also where that is an error.

    Args:
        store: the store.
        name: the run directory's.
        every: seconds between two copies.
    """
    if store.local is not None:
        yield store.local / name
        return
    folder = Path(tempfile.mkdtemp(prefix="neuraltape-"))
    try:
        run_dir = folder / name
        store.pull(name, run_dir)
        with _mirrored(store, name, run_dir, every):
            yield run_dir
    finally:
        shutil.rmtree(folder)


@contextmanager
def _mirrored(store: Store, name: str, run_dir: Path, every: float) -> Iterator[None]:
    over, known = threading.Event(), dict[Path, int]()

    def push() -> None:
        known.update(store.push(run_dir, name, known))

    def follow() -> None:
        while not over.wait(every):
            try:
                push()
            except OSError as error:
                # The connection may come back; if it does not, the last push fails.
                sys.stderr.write(f"neuraltape: {store.path(name)} could not be brought up to date: {error}\n")

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        push()
