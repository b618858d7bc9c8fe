"""Reads sequences from a table in long form, a line a step: .csv and .parquet. Knows no kinds and no batches."""

import csv
import re
from array import array
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from neuraltape.tasks.row import DataError, Row, lines, numbers

SUFFIXES = (".csv", ".parquet")
SEQUENCE, STEP = "sequence", "step"
# What pandas calls an index when it writes one, or when it reads one that was written.
INDEX = re.compile(r"|__index_level_\d+__|Unnamed: \d+")
# A small file may say that it has any number of cells, each of which becomes an object.
MOST_CELLS = 100_000_000
LESS = " (arrays in .npz take less room)"
LARGEST = float(np.finfo(np.float32).max)


class Columns(NamedTuple):
    """Which columns of a table are what."""

    inputs: Sequence[str] | None = None
    """What goes in; None: all columns that are nothing else."""
    targets: Sequence[str] | None = None
    """What has to come out; None: nothing, so that the next step's inputs are predicted. A step whose cells there are
    empty isn't scored."""


class _Cells(dict[str, list]):
    """A table's columns by their names, and in which line of the file each of their cells stands."""

    def __init__(self, columns: Mapping[str, list], numbers: Sequence[int]) -> None:
        super().__init__(columns)
        self.numbers = numbers


def read_columns(path: str, columns: Columns) -> list[Row]:
    """The sequences of a table.

    Its column `sequence` says which sequence a line belongs to, and `step`, where there is one, in which order its
    lines come; otherwise they come as in the file.

    Args:
        path: ends in .csv (commas, names in the first line, UTF-8) or .parquet.
        columns: which columns are inputs and targets. One column of whole numbers is a symbol or a class a step.

    Raises:
        DataError: no such column, an input without a name, a cell that is no finite number, a line without a sequence,
            or two lines with the same sequence and step.
        OSError: the file can't be read.
    """
    table = _csv(path) if Path(path).suffix == ".csv" else _parquet(path)
    names, targets = list(table), list(columns.targets or ())
    inputs = _inputs_among(path, names, columns)
    for name in (*inputs, *targets):
        if name not in table:
            raise DataError(f"{path}: no column {name!r}; there are {', '.join(names)}")
    if not inputs:
        raise DataError(f"{path}: no column is left for the inputs; there are {', '.join(names)}")
    rows = []
    for number, (sequence, mine) in enumerate(_sequences(path, table), start=1):
        place = f"{path}, row {number} (sequence {sequence})"
        goal, mask = _goal(path, table, targets, mine) if targets else (None, None)
        rows.append(Row(place, _part(path, table, inputs, mine), goal, mask))
    return rows


def read_labels(path: str) -> list[tuple[str, list]]:
    """What the lines of each sequence say of themselves: `sequence`, and `step`, or their numbers from 1.

    Sequences and steps are in the order of `read_columns`, which says what it raises.
    """
    table = _csv(path) if Path(path).suffix == ".csv" else _parquet(path)
    steps = table.get(STEP)
    return [
        (sequence, list(range(1, len(mine) + 1)) if steps is None else [steps[line] for line in mine])
        for sequence, mine in _sequences(path, table)
    ]


def _sequences(path: str, table: _Cells) -> list[tuple[str, list[int]]]:
    """The name of each sequence, in the order in which they come, and its lines in the order of their steps."""
    lines: dict[str, list[int]] = {}
    for line, sequence in enumerate(table[SEQUENCE]):
        # NaN is what pandas has where there is nothing.
        if _empty(sequence) or sequence != sequence:
            number = table.numbers[line]
            raise DataError(f"{path}, line {number}: {SEQUENCE} is empty; it must say which one the line belongs to")
        lines.setdefault(str(sequence), []).append(line)
    if STEP not in table:
        return list(lines.items())
    steps, found = _column(path, table, STEP, range(len(table[STEP]))), []
    for number, (sequence, mine) in enumerate(lines.items(), start=1):
        mine = sorted(mine, key=lambda line: steps[line])
        twice = next((one for one, other in pairwise(mine) if steps[one] == steps[other]), None)
        if twice is not None:
            raise DataError(f"{path}, row {number} (sequence {sequence}): step {steps[twice]} stands there twice")
        found.append((sequence, mine))
    return found


def input_names(path: str, columns: Columns) -> tuple[str, ...]:
    """The columns that `read_columns` takes as inputs, by the names alone. Raises what it raises."""
    if columns.inputs is not None:
        return tuple(columns.inputs)
    names = list(_csv(path, most=1) if Path(path).suffix == ".csv" else _parquet(path, most=0))
    return tuple(_inputs_among(path, names, columns))


def _inputs_among(path: str, names: list[str], columns: Columns) -> list[str]:
    """The inputs. Raises DataError where they are all that is left, and one of those is an index."""
    if columns.inputs is not None:
        return list(columns.inputs)
    others = [name for name in names if name not in (SEQUENCE, STEP, *(columns.targets or ()))]
    for name in others:
        if INDEX.fullmatch(name):
            what = f"the column {name!r}" if name else "a column without a name"
            raise DataError(
                f"{path}: {what} would be an input, as pandas writes its index; write the table without it "
                f"(index=False), or name the inputs (--inputs); there are {', '.join(names)}"
            )
    return others


def _goal(path: str, table: _Cells, names: Sequence[str], lines: list[int]) -> tuple[np.ndarray, Any]:
    """The targets of some lines, 0 where their cells are empty, and the mask that says where they are not."""
    here = [[not _empty(table[name][line]) for line in lines] for name in names]
    for line, some in zip(lines, zip(*here, strict=True), strict=True):
        if any(some) and not all(some):
            missing = names[some.index(False)]
            raise DataError(f"{path}, line {table.numbers[line]}: {missing} is empty; all targets must be, or none")
    if all(here[0]):
        return _part(path, table, names, lines), None
    filled = {name: [0 if _empty(cell) else cell for cell in table[name]] for name in names}
    return _part(path, _Cells(filled, table.numbers), names, lines), np.array(here[0])


def _empty(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _part(path: str, table: _Cells, names: Sequence[str], lines: list[int]) -> np.ndarray:
    """Some columns of some lines: (time,), or (time, features) of several."""
    parts = [_column(path, table, name, lines) for name in names]
    return parts[0] if len(parts) == 1 else np.stack(parts, axis=1)


def _column(path: str, table: _Cells, name: str, lines: Sequence[int]) -> np.ndarray:
    """Some cells of a column as numbers: int64 where all are whole, float64 otherwise."""
    found, column = [], table[name]
    for place in lines:
        cell, line = column[place], table.numbers[place]
        value = _number(cell)
        if value is None:
            classes = " (write classes as 0, 1, 2, ...)" if isinstance(cell, str) and cell.strip().isalpha() else ""
            raise DataError(f"{path}, line {line}: {name} must be a number; got {cell!r:.40}{classes}")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise DataError(f"{path}, line {line}: {name} must be whole numbers below 2^63; got {cell!r:.40}")
        if isinstance(value, float) and not abs(value) <= LARGEST:
            raise DataError(f"{path}, line {line}: {name} must be finite float32 numbers; got {value}")
        found.append(value)
    return numbers(found, f"{path}, column {name}", name)


def _number(cell: object) -> int | float | None:
    if not isinstance(cell, str):
        return cell if isinstance(cell, int | float) else None
    for kind in (int, float):
        try:
            # Python takes 1_000 for a number, and a table doesn't mean it.
            return kind(cell) if "_" not in cell else None
        except ValueError:
            continue
    return None


def _check_names(path: str, names: Sequence[str]) -> None:
    """Raise DataError unless all differ and one of the columns says which sequence a line belongs to."""
    if SEQUENCE not in names:
        # One name that holds other signs between names is a whole line.
        signs = " (cells must have commas between them)" if len(names) == 1 and set(names[0]) & set(";\t|") else ""
        other = next((name for name in names if name.strip().lower() == SEQUENCE), None)
        signs = signs or (f" ({other!r} must be called {SEQUENCE!r})" if other else "")
        listed = ", ".join(names)
        raise DataError(f"{path}: no column {SEQUENCE!r}, which says where a sequence ends; got {listed:.200}{signs}")
    if len(set(names)) < len(names):
        raise DataError(f"{path}: two columns have one name; got {', '.join(names)}")


def _csv(path: str, *, most: int | None = None) -> _Cells:
    """The columns. most: so many lines are enough."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            # Some write a space behind each comma.
            reader = csv.reader(lines(file, path), strict=True, skipinitialspace=True)
            names = next(reader, None)
            if not names:
                raise DataError(f"{path}: empty; expected a first line with the columns' names")
            names = [name.strip() for name in names]
            _check_names(path, names)
            columns: dict[str, list] = {name: [] for name in names}
            # Empty lines are passed over.
            numbers = array("q")
            for cells in reader:
                if not cells:
                    continue
                count = len(columns[names[0]])
                if count == most:
                    break
                if count * len(names) > MOST_CELLS:
                    raise DataError(f"{path}: expected at most {MOST_CELLS:,} cells{LESS}")
                if len(cells) != len(names):
                    raise DataError(f"{path}, line {reader.line_num}: expected {len(names)} cells; got {len(cells)}")
                numbers.append(reader.line_num)
                for name, cell in zip(names, cells, strict=True):
                    columns[name].append(cell)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: expected a table with commas, in UTF-8; {error}") from error
    if not columns[names[0]]:
        raise DataError(f"{path}: empty; expected at least one line below the names")
    return _Cells(columns, numbers)


def _parquet(path: str, *, most: int | None = None) -> _Cells:
    """The columns; most: 0 leaves them empty. One of lists or structs holds its type's name in each line."""
    try:
        from pyarrow import ArrowException  # pyright: ignore[reportMissingImports] (an extra)
        from pyarrow.parquet import ParquetFile  # pyright: ignore[reportMissingImports]
        from pyarrow.types import is_nested  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise DataError(f'{path}: pyarrow is not installed; get it with: pip install "neuraltape[data]"') from error
    try:
        with ParquetFile(path) as file:
            # The schema of the file itself has the leaves of structs and lists for names.
            about, schema = file.metadata, file.schema_arrow
            _check_names(path, schema.names)
            flat = [field.name for field in schema if not is_nested(field.type)]
            if SEQUENCE not in flat:
                kind = schema.field(SEQUENCE).type
                raise DataError(f"{path}: column {SEQUENCE!r} must be numbers or names; got {kind}")
            if (cells := about.num_rows * len(flat)) > MOST_CELLS:
                raise DataError(f"{path}: expected at most {MOST_CELLS:,} cells; got {cells:,}{LESS}")
            if most == 0:
                return _Cells({name: [] for name in schema.names}, ())
            if not about.num_rows:
                raise DataError(f"{path}: empty; expected at least one line")
            cells_of = file.read(columns=flat).to_pydict()
            columns = {
                field.name: cells_of[field.name] if field.name in flat else [str(field.type)] * about.num_rows
                for field in schema
            }
            # Its lines are counted as those of a .csv file, whose first one holds the names.
            return _Cells(columns, range(2, about.num_rows + 2))
    except DataError:
        raise
    except (ArrowException, ValueError) as error:
        raise DataError(f"{path}: expected a Parquet file; {str(error).splitlines()[0]}") from error
