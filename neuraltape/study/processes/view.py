"""What a person sees while jobs run: a live table in a terminal, plain lines elsewhere. On standard error."""

import sys
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Self

from neuraltape.study.processes.job import Job, Outcome

if TYPE_CHECKING:
    # Loaded where there is a terminal.
    from rich.table import Table as RichTable

REFRESH_SECONDS = 0.5
# Columns: so that the table does not jump with what stands in it.
TABLE_WIDTH = 76
# Rows of the table for what has ended; all of it stands in lines above.
ENDED_ROWS = 8


class View:
    """Plain lines, for logs: one when a job starts, one when it ends.

    Args:
        title: what the jobs are.
        total: how many.
    """

    def __init__(self, title: str, total: int) -> None:
        self.title, self.total = title, total
        self.states: Counter[str] = Counter()

    def __enter__(self) -> Self:
        """Jobs are about to start."""
        return self

    def __exit__(self, *error: object) -> None:
        """No more is shown."""

    def started(self, job: Job) -> None:
        """A job runs from now on."""
        self.say(f"{job.name}: started")

    def failed_once(self, outcome: Outcome) -> None:
        """A job has failed and is tried again."""
        self.say(f"{outcome.job.name}: failed: {outcome.reason} (see {outcome.job.log}); is tried again")

    def ended(self, outcome: Outcome) -> None:
        """A job is over."""
        self.states[outcome.state] += 1
        over, words = f"{self.states.total()} of {self.total} over", outcome.job.words()
        how = f"failed: {outcome.reason} (see {outcome.job.log})" if outcome.state == "failed" else "done"
        self.say(f"{outcome.job.name}: {how}{f', {words}' if words else ''}; {outcome.seconds:,.0f} s, {over}")

    def update(self, running: Sequence[Job], *, waiting: int) -> None:
        """Time has passed."""

    def say(self, line: str) -> None:
        """A line that stays."""
        print(line, file=sys.stderr, flush=True)  # noqa: T201 (this is the place that prints)


class Row(NamedTuple):
    """A job in the table."""

    name: str
    state: str
    seconds: float
    progress: Mapping[str, str]


class Table(View):
    """A live table of what is running and what has ended last, below lines about all that has ended."""

    def __init__(self, title: str, total: int) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__(title, total)
        # Drawn by whoever calls `update`: no thread of its own.
        self._live = Live(console=Console(stderr=True), auto_refresh=False)
        self._since: dict[str, float] = {}
        self._ended: deque[Row] = deque(maxlen=ENDED_ROWS)
        self._next = 0.0

    def __enter__(self) -> Self:
        """Take the terminal's last lines."""
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the last table standing."""
        self._live.stop()

    def started(self, job: Job) -> None:
        """The table shows it from its next drawing on."""
        self._since[job.name] = time.monotonic()

    def ended(self, outcome: Outcome) -> None:
        """A line, and a row that stays until others have ended."""
        super().ended(outcome)
        self._ended.append(Row(outcome.job.name, outcome.state, outcome.seconds, outcome.job.progress()))

    def update(self, running: Sequence[Job], *, waiting: int) -> None:
        """Draw the table anew, not more often than an eye can follow; always when nothing is left."""
        if time.monotonic() < self._next and running:
            return
        self._next = time.monotonic() + REFRESH_SECONDS
        self._live.update(self.draw(running, waiting=waiting), refresh=True)

    def say(self, line: str) -> None:
        """A line above the table."""
        self._live.console.print(line, markup=False, highlight=False)

    def draw(self, running: Sequence[Job], *, waiting: int) -> "RichTable":
        """The table as it is now."""
        from rich.table import Table as RichTable

        counts = {"done": self.states["done"], "running": len(running), "waiting": waiting}
        counts |= {"failed": self.states["failed"]} if self.states["failed"] else {}
        caption = ", ".join(f"{count} {state}" for state, count in counts.items())
        drawn = RichTable(
            title=self.title, caption=caption, title_justify="left", caption_justify="left", min_width=TABLE_WIDTH
        )
        now = time.monotonic()
        rows = [Row(job.name, "running", now - self._since.get(job.name, now), job.progress()) for job in running]
        rows = [*self._ended, *rows]
        columns = list(dict.fromkeys(name for row in rows for name in row.progress))
        for name in ("name", "state", "for", *columns):
            drawn.add_column(name, justify="left" if name in ("name", "state") else "right")
        for row in rows:
            words = (row.progress.get(name, "") for name in columns)
            drawn.add_row(row.name, row.state, f"{row.seconds:,.0f} s", *words)
        return drawn


def make_view(title: str, total: int) -> View:
    """The table in a terminal, lines elsewhere."""
    return Table(title, total) if sys.stderr.isatty() else View(title, total)
