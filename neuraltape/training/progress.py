"""What a person sees while a machine trains: a live bar in a terminal, plain lines elsewhere. On standard error."""

import sys
import time
from datetime import timedelta
from typing import Protocol

from neuraltape.training.counters import Counters

# Often enough to look alive; drawing costs milliseconds.
REFRESH_SECONDS = 0.25
PLAIN_SECONDS = 10.0


class Progress(Protocol):
    """Something that is told how far a training is."""

    def update(self, counters: Counters, bits: float) -> None:
        """After a step. `bits`: what the training cost lately, in the unit of the task's score."""
        ...

    def say(self, text: str) -> None:
        """Something has happened that whoever watches should know."""
        ...

    def close(self) -> None:
        """The training has ended."""
        ...


class Silent:
    """Says nothing."""

    def update(self, counters: Counters, bits: float) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Bar:
    """A live line in a terminal: how far, score, training cost, sequences a second, time left."""

    def __init__(self, name: str, total: int, score_name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.completed:,}/{task.total:,}"),
            TextColumn("score {task.fields[score]}"),
            TextColumn("training {task.fields[bits]}"),
            TextColumn("{task.fields[rate]}/s"),
            TimeRemainingColumn(),
        )
        # Drawn by the loop itself: a thread of its own would take turns with the kernels.
        self._progress = Progress(*columns, console=Console(stderr=True), auto_refresh=False)
        self._task = self._progress.add_task(name, total=total, score="-", bits="-", rate="-")
        self._name = name
        self._unit = score_name.removesuffix(" a sequence")
        self._pace = Pace(REFRESH_SECONDS)
        self._progress.start()

    def update(self, counters: Counters, bits: float) -> None:
        """Draw the line anew, not more often than an eye can follow."""
        if self._pace.due(counters):
            score = "-" if counters.bits is None else f"{counters.bits:.3g} {self._unit}"
            self._progress.update(
                self._task,
                completed=counters.sequences,
                score=score,
                bits=f"{bits:.3g} {self._unit}",
                rate=f"{self._pace.rate:,.0f}",
                refresh=True,
            )

    def say(self, text: str) -> None:
        """A line above the live one."""
        self._progress.console.print(f"{self._name}: {text}", markup=False, highlight=False)

    def close(self) -> None:
        """Leave the last line standing."""
        self._progress.stop()


class Lines:
    """One plain line every ten seconds, for logs."""

    def __init__(self, name: str, total: int, score_name: str) -> None:
        self.name, self.total, self.score_name = name, total, score_name
        self._pace = Pace(PLAIN_SECONDS)

    def update(self, counters: Counters, bits: float) -> None:
        """Print a line if it is time."""
        if self._pace.due(counters):
            left = timedelta(seconds=round((self.total - counters.sequences) / max(self._pace.rate, 1e-9)))
            score = "none yet" if counters.bits is None else f"{counters.bits:.3g} {self.score_name}"
            line = (
                f"{self.name}: {counters.sequences:,} of {self.total:,} sequences, score {score}, "
                f"training {bits:.3g}, {self._pace.rate:,.0f} sequences/s, at most {left} left"
            )
            print(line, file=sys.stderr, flush=True)  # noqa: T201 (this is the place that prints)

    def say(self, text: str) -> None:
        """A line of its own."""
        print(f"{self.name}: {text}", file=sys.stderr, flush=True)  # noqa: T201 (this is the place that prints)

    def close(self) -> None:
        """Nothing is left to say."""


class Pace:
    """When to say something again, and how fast the training has been since the last time.

    Args:
        every: seconds.
    """

    def __init__(self, every: float) -> None:
        self.every, self.rate = every, 0.0
        self._time, self._sequences = time.monotonic(), -1

    def due(self, counters: Counters) -> bool:
        """Whether it is time; then `rate` is in sequences a second."""
        now = time.monotonic()
        if self._sequences < 0:
            self._time, self._sequences = now, counters.sequences
        if now - self._time < self.every:
            return False
        self.rate = (counters.sequences - self._sequences) / (now - self._time)
        self._time, self._sequences = now, counters.sequences
        return True


def make_progress(name: str, total: int, score_name: str, *, wanted: bool) -> Progress:
    """The bar in a terminal, lines elsewhere, silence where it isn't wanted."""
    if not wanted:
        return Silent()
    return Bar(name, total, score_name) if sys.stderr.isatty() else Lines(name, total, score_name)
