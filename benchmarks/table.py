"""A table of results: kept as numbers for JSON, shown as text for Markdown. Knows nothing of what was measured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.timing import Spread

Show = Callable[[float], str]
MISSING = "-"


@dataclass(frozen=True)
class Column:
    """One column."""

    key: str
    """Where a row keeps its value: a number, a Spread or a text. JSON has the same key, so it names the unit."""
    heading: str
    show: Show | None = None
    """How a number is written; None: as it is."""


@dataclass(frozen=True)
class Table:
    """Rows of one measurement."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known = {column.key for column in self.columns}
        for row in self.rows:
            if not row.keys() <= known:
                raise ValueError(f"rows of {self.name!r} must have the keys {sorted(known)}; got {sorted(row)}")

    def markdown(self) -> str:
        """Title, table and notes."""
        lines = [
            "| " + " | ".join(column.heading for column in self.columns) + " |",
            "|" + "|".join("---" if column.show is None else "---:" for column in self.columns) + "|",
            *(
                "| " + " | ".join(_cell(row.get(column.key), column) for column in self.columns) + " |"
                for row in self.rows
            ),
        ]
        return "\n".join([f"## {self.title}", "", *lines, *(f"\n{note}" for note in self.notes), ""])

    def plain(self) -> dict[str, Any]:
        """What JSON can hold."""
        rows = [{key: _plain(value) for key, value in row.items()} for row in self.rows]
        return {"name": self.name, "title": self.title, "rows": rows, "notes": list(self.notes)}


def significant(value: float) -> str:
    """Three significant digits, never as a power of ten: 0.0123, 1.23, 1,230."""
    # Rounding may lift a number to the next power of ten, so its exponent is asked for after it.
    decimals = 2 - int(f"{value:.2e}".partition("e")[2])
    return f"{round(value, decimals):,.{max(decimals, 0)}f}"


def whole(value: float) -> str:
    """A count: 1,234."""
    return f"{value:,.0f}"


def percent(value: float) -> str:
    """0.123: 12 %."""
    return f"{100 * value:.0f} %"


def scaled(factor: float) -> Show:
    """In another unit: `scaled(1e6)` writes seconds as microseconds."""
    return lambda value: significant(value * factor)


def _cell(value: Any, column: Column) -> str:
    if value is None:
        return MISSING
    if isinstance(value, str) or column.show is None:
        return str(value)
    if isinstance(value, Spread):
        low, high = value.quartiles
        return f"{column.show(value.median)} ({column.show(low)} to {column.show(high)})"
    return column.show(value)


def _plain(value: Any) -> Any:
    if not isinstance(value, Spread):
        return value
    low, high = value.quartiles
    return {"median": value.median, "low": low, "high": high, "rounds": len(value.rounds)}
