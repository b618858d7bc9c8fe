"""`metrics.jsonl`: one JSON object a line, appended while a run goes on."""

import json
import os
from pathlib import Path
from typing import Any

from neuraltape.training.files import write_atomically

# What may differ between two runs of the same configuration.
TIME_FIELDS = ("seconds", "sequences_per_second")


class MetricsFile:
    """The open file.

    Args:
        path: where it is.
        step: lines of later steps, which a killed run may have left, are dropped first.
    """

    def __init__(self, path: Path, step: int) -> None:
        lines = read_metrics(path, step) if path.exists() else []
        write_atomically(path, "".join(f"{json.dumps(line)}\n" for line in lines).encode())
        self._file = path.open("a", encoding="utf-8")

    def append(self, values: dict[str, Any]) -> None:
        """Write one line; whoever follows the file sees it at once."""
        self._file.write(f"{json.dumps(values)}\n")
        self._file.flush()

    def sync(self) -> None:
        """Force what was written to the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_metrics(path: Path, step: int | None = None) -> list[dict[str, Any]]:
    """The lines of the file, up to the given step. A last line that was being written is left out.

    Raises:
        ValueError: a line inside the file is not JSON.
    """
    lines = path.read_text(encoding="utf-8").split("\n")
    values = []
    # After the last line break stands nothing, or a line that is not whole.
    for number, line in enumerate(lines[:-1], 1):
        try:
            value = json.loads(line)
            late = step is not None and value["step"] > step
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(f"{path}, line {number}: not a line of metrics: {line[:80]!r}") from error
        if late:
            break
        values.append(value)
    return values
