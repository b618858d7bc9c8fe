"""How far a training is, by the last lines of its metrics."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from neuraltape.runs.directory import RunDirectory
from neuraltape.runs.metrics import Metrics, metrics_in
from neuraltape.study.store import Store

# Enough for the last lines of metrics.
TAIL_BYTES = 4096
# Between two looks at a run that is elsewhere.
REMOTE_SECONDS = 5.0

# What is shown, and in which format.
COLUMNS = {"sequences": "{:,}", "bits": "{:.3g}", "training": "{:.3g}", "a second": "{:,.0f}"}


class Progress:
    """Columns of a table that show how far a run is: its sequences, its score, its cost in training, its pace.

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


def tail(store: Store, name: str) -> Metrics:
    """The last lines of a run's metrics."""
    metrics = RunDirectory(name).metrics.as_posix()
    try:
        return metrics_in((store.read(metrics, start=-TAIL_BYTES) or b"").split(b"\n"))
    except OSError:
        return Metrics()


def columns_of(metrics: Metrics) -> dict[str, str]:
    """What was said last of each column."""
    values: dict[str, Any] = {"sequences": metrics.sequences}
    if metrics.scores:
        values["bits"] = metrics.scores[-1]["bits"]
    if metrics.training:
        values["training"] = metrics.training[-1].get("bits")
        values["a second"] = metrics.training[-1].get("sequences_per_second")
    return {name: text.format(values[name]) for name, text in COLUMNS.items() if values.get(name) is not None}
