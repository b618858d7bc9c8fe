"""`metrics.jsonl`: one JSON object a line, appended while a run goes on. Written and read here and nowhere else.

A line is of one of five kinds: "training", about the steps since the last one; "evaluation", about fresh sequences;
"confirmation", about more of them, right after an evaluation that looked good and in place of it; "restart": what
follows is about new weights; "rewind": about those that the best evaluation was about.
"""

import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from neuraltape.files import naming, read_whole, write_atomically

Kind = Literal["training", "evaluation", "confirmation", "restart", "rewind"]
# What may differ between two runs of the same configuration.
TIME_FIELDS = ("seconds", "sequences_per_second")
# A million lines.
MOST_BYTES = 1 << 28


class MetricsFile:
    """The open file.

    Args:
        path: where it is.
        step: lines of later steps, which a killed run may have left, are dropped first.
    """

    def __init__(self, path: Path, step: int) -> None:
        lines = read_metrics(path, step).lines if os.path.lexists(path) else ()
        write_atomically(path, "".join(f"{json.dumps(line)}\n" for line in lines).encode())
        self._path, self._file = path, path.open("ab", buffering=0)

    def append(self, values: dict[str, Any]) -> None:
        """Write one line; whoever follows the file sees it at once.

        Raises:
            OSError: the disk is full, say; a part of the line may stand there.
        """
        data = f"{json.dumps(values)}\n".encode()
        with naming(self._path):
            while data:
                data = data[self._file.write(data) :]

    def sync(self) -> None:
        """Force what was written to the disk."""
        with naming(self._path):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        with naming(self._path):
            self._file.close()


@dataclass(frozen=True)
class Metrics:
    """What a training wrote about itself."""

    lines: tuple[dict[str, Any], ...] = ()
    """All lines, in the order in which they were written."""

    @property
    def training(self) -> list[dict[str, Any]]:
        """The lines about training."""
        return [line for line in self.lines if line.get("kind") == "training"]

    @property
    def scores(self) -> list[dict[str, Any]]:
        """The scores on fresh sequences, one line for each moment: the confirmation where there was one.

        A score that was not finite is left out.
        """
        found = (line for line in self.lines if line.get("kind") in ("evaluation", "confirmation"))
        return list({line["sequences"]: line for line in found if is_number(line.get("bits"))}.values())

    @property
    def confirmations(self) -> list[dict[str, Any]]:
        """The lines about evaluations on many sequences, which decide whether a task is solved."""
        return [line for line in self.lines if line.get("kind") == "confirmation" and is_number(line.get("bits"))]

    @property
    def restarts(self) -> int:
        """How often the training started over with new weights."""
        return sum(line.get("kind") == "restart" for line in self.lines)

    @property
    def rewinds(self) -> int:
        """How often the training went back to earlier weights."""
        return sum(line.get("kind") == "rewind" for line in self.lines)

    @property
    def sequences(self) -> int | None:
        """Sequences trained on up to the last line, of whichever kind; None: there is no line."""
        return self.lines[-1]["sequences"] if self.lines else None


def read_metrics(path: Path, step: int | None = None) -> Metrics:
    """The lines of the file, up to the given step. A last line that was being written is left out.

    Raises:
        ValueError: a line inside the file is none of metrics, or it is no file.
    """
    values = []
    # After the last line break stands nothing, or a line that is not whole.
    for number, line in enumerate(read_whole(path, most=MOST_BYTES).split(b"\n")[:-1], 1):
        value = _whole_line(line)
        if value is None or not is_number(value.get("step")):
            said = line[:80].decode(errors="replace")
            raise ValueError(f"{path}, line {number}: not a line of metrics: {said!r}")
        if step is not None and value["step"] > step:
            break
        values.append(value)
    return Metrics(tuple(values))


def read_tail(path: Path, size: int) -> Metrics:
    """What the last `size` bytes of the file say, as far as they can be read; nothing where there is no file."""
    # Something else of this name, such as a pipe, would be waited for.
    if not path.is_file():
        return Metrics()
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return metrics_in(file.read(size).split(b"\n"))
    except OSError:
        return Metrics()


def metrics_in(lines: Iterable[bytes]) -> Metrics:
    """What lines say that come from a part of a file: those that are cut or broken are left out."""
    return Metrics(tuple(value for value in map(_whole_line, lines) if value is not None))


def is_number(value: object) -> bool:
    """Whether something in a line is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _whole_line(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and "kind" in value and is_number(value.get("sequences")) else None
