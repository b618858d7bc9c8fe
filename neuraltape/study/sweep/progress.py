"""How far a training is, by the last lines of its metrics."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from neuraltape.study.sweep.store import Store
from neuraltape.training.run_directory import RunDirectory

# Enough for the last lines of metrics.
TAIL_BYTES = 4096
# Between two looks at a run that is elsewhere.
REMOTE_SECONDS = 5.0

# What is shown of which kind of line: the column's name, the field and its format.
SHOWN = {
    "training": (("sequences", "sequences", "{:,}"), ("a second", "sequences_per_second", "{:,.0f}")),
    "evaluation": (("bits", "bits", "{:.3g}"),),
}
COLUMNS = ("sequences", "bits", "a second")


class Progress:
    """Columns of a table that show how far a run is: its sequences, its score, its sequences a second.

    Args:
        store: where the run is.
        name: its directory's.
    """

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._name = store, name
        self._seen: dict[str, str] = {}
        self._next = 0.0

    def __call__(self) -> Mapping[str, str]:
        """The columns that there are already."""
        if self._store.local is None:
            if time.monotonic() < self._next:
                return self._seen
            self._next = time.monotonic() + REMOTE_SECONDS
        self._seen = columns_of(tail(self._store, self._name))
        return self._seen


def progress_of(store: Store, name: str) -> Callable[[], Mapping[str, str]]:
    """What a job has to say about the run `name`."""
    return Progress(store, name)


def tail(store: Store, name: str) -> list[dict[str, Any]]:
    """The last lines of a run's metrics."""
    metrics = RunDirectory(name).metrics.as_posix()
    try:
        data = store.read(metrics, start=-TAIL_BYTES) or b""
    except OSError:
        return []
    lines = []
    for line in data.split(b"\n"):
        try:
            lines.append(json.loads(line))
        except ValueError:
            # The first line may be cut, the last may be being written.
            continue
    return [line for line in lines if isinstance(line, dict) and "kind" in line]


def columns_of(lines: list[dict[str, Any]]) -> dict[str, str]:
    """What the lines say last of each column."""
    last = {
        column: text.format(line[field])
        for line in lines
        for column, field, text in SHOWN.get(line["kind"], ())
        if line.get(field) is not None
    }
    return {column: last[column] for column in COLUMNS if column in last}
