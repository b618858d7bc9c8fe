"""Files of sequences, good ones and odd ones, in every form that is read."""

import json
import struct
import zipfile
from datetime import datetime
from decimal import Decimal
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tests.fuzz.odd import VALUES, WORDS

# pyarrow is an extra.
SUFFIXES = (".csv", ".jsonl", ".npz", ".npy", ".txt", *([".parquet"] if find_spec("pyarrow") else []))
# What the cells of a column may be.
CELLS = (
    1,
    0.5,
    2**63,
    float("nan"),
    None,
    "1",
    "x",
    True,
    b"\xff",
    [1, 2],
    {"a": 1},
    datetime(2020, 1, 1),
    Decimal("1.5"),
)
SIGNS = (",", ",", ",", ",", ";", "\t", ", ")


def value(chance: Random, good: Any, odd: float) -> Any:
    """A value, now and then an odd one."""
    return chance.choice((*VALUES, *WORDS)) if chance.random() < odd else good


def write(chance: Random, path: Path, *, odd: float) -> None:
    """Some sequences of two bits and a class a step; `odd`: how likely each value is an odd one."""
    rows = [
        {
            "inputs": [[value(chance, chance.randrange(2), odd) for _ in range(2)] for _ in range(steps)],
            "targets": [value(chance, chance.randrange(3), odd) for _ in range(steps)],
        }
        for steps in (chance.choice((2, 3, 3, 5)) for _ in range(6))
    ]
    match path.suffix:
        case ".jsonl":
            for row in rows:
                if chance.random() < 5 * odd:
                    row[str(value(chance, "mask", odd))] = value(chance, [True, False], 5 * odd)
            data = "\n".join(json.dumps(row) for row in rows).encode("utf-8", "surrogatepass")
        case ".csv":
            data = table(chance, rows, odd=odd)
        case ".parquet":
            write_parquet(chance, path, odd=odd)
            return
        case ".txt":
            odds = ("\r\n", "\u2028", "\N{BRAIN}", "\ufeff", "\0", "\x1b[31m", "\ud800", *WORDS)
            words = [
                chance.choice(odds) if chance.random() < 5 * odd else "or not " for _ in range(chance.choice((0, 1, 9)))
            ]
            data = "".join(words).encode(chance.choice(("utf-8", "utf-8-sig", "utf-16")), "surrogatepass")
        case _:
            data = arrays(chance, path.suffix, odd=odd)
    path.write_bytes(data)


def table(chance: Random, rows: list[dict[str, Any]], *, odd: float) -> bytes:
    """A line a step; in odd ones names have quotes, lines other ends and another order, cells other signs between."""
    lines = [[value(chance, name, odd) for name in ("sequence", "step", "x", "y", "targets")]]
    for number, row in enumerate(rows):
        for step, (inputs, target) in enumerate(zip(row["inputs"], row["targets"], strict=True)):
            cells = [value(chance, number, odd), value(chance, step, odd), *inputs, target]
            lines.append(cells[: len(cells) - (chance.random() < odd)])
    if chance.random() < 5 * odd:
        lines[1:] = chance.sample(lines[1:], len(lines) - 1)
    quote = '"' if chance.random() < 5 * odd else ""
    sign = chance.choice(SIGNS) if chance.random() < 5 * odd else ","
    end = chance.choice(("\r\n", "\r", "\n\n")) if chance.random() < 5 * odd else "\n"
    text = end.join(sign.join(f"{quote}{cell}{quote}" for cell in line) for line in lines)
    coding = chance.choice(("utf-8-sig", "utf-16", "latin-1")) if chance.random() < 5 * odd else "utf-8"
    return text.encode(coding, "surrogatepass" if coding.startswith("utf") else "replace")


def arrays(chance: Random, suffix: str, *, odd: float) -> bytes:
    """An archive of padded arrays, or a single one."""
    shape = chance.choice(((6, 5, 2), (6, 5, 2), (6, 5), (0, 5, 2), (6, 0, 2), (2, 2, 2, 2), ())) if odd else (6, 5, 2)
    kinds = ("u1", "f4", "f8", "i8", "u8", "f2", "c8", "U3", "?", "M8[s]", ">i4", ">f4", "f16", "i1", "V3", "S2")
    values = np.array([chance.choice((0, 1, 1, 2) if odd else (0, 1)) for _ in range(int(np.prod(shape)))])
    inputs = values.reshape(shape).astype("u1" if not odd else "i8" if (kind := chance.choice(kinds)) == "V3" else kind)
    if odd and chance.random() < 0.2:
        inputs = np.asfortranarray(inputs)
    if suffix == ".npy":
        return member(chance, inputs, odd=odd)
    found = {"inputs": inputs}
    if chance.random() < 0.5:
        found["lengths"] = np.array([chance.choice((3, 3, 5))] * (chance.choice((6, 6, 5, 0)) if odd else 6))
        if chance.random() < odd:
            found["lengths"] = np.array([chance.choice((0, -1, 6, 2**62))] * 6)
    if odd and chance.random() < 0.5:
        found[chance.choice(("targets", "mask", "x"))] = np.full(chance.choice(((6, 5), (6,), (6, 5, 1))), 1)
    file = BytesIO()
    pack = zipfile.ZIP_DEFLATED if chance.random() < 0.5 else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", pack) as archive:
        for name, array in found.items():
            archive.writestr(f"{name}.npy", member(chance, array, odd=odd))
        if chance.random() < odd and "mask" not in found:
            # What unpacks to two hundred thousand times as much.
            archive.writestr("mask.npy", lying((1 << 18, 1 << 10), "|u1") + bytes(1 << 28), zipfile.ZIP_DEFLATED)
    return file.getvalue()


def member(chance: Random, array: np.ndarray, *, odd: float) -> bytes:
    """An array in the .npy form; in odd ones the header promises something else."""
    file = BytesIO()
    np.save(file, array, allow_pickle=True)
    if chance.random() >= odd:
        return file.getvalue()
    shape = chance.choice(((1 << 40,), (1 << 62, 4), (6, 5, 2), (-1, 5), (6, 5, 1 << 33), (True, 2), (6.0, 5)))
    return lying(shape, chance.choice(("|u1", "<f8", "|O", ">f4", "<U9999999", "", "|V8"))) + array.tobytes()


def lying(shape: tuple[Any, ...], descr: str) -> bytes:
    """The header of an array of this shape and kind."""
    text = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) + 1) + text + b"\n"


def write_parquet(chance: Random, path: Path, *, odd: float) -> None:
    """Some sequences as a table whose columns have types."""
    import pyarrow
    from pyarrow import parquet

    count = chance.choice((12, 12, 12, 12, 1, 0))
    columns: dict[str, list[Any]] = {"sequence": [n // 3 for n in range(count)], "step": [n % 3 for n in range(count)]}
    columns |= {name: [chance.randrange(2) for _ in range(count)] for name in ("x", "y", "targets")}
    for name in list(columns):
        if chance.random() < 5 * odd:
            columns[name] = [chance.choice(CELLS)] * count
        if chance.random() < 5 * odd and count:
            columns[name][chance.randrange(count)] = None
        if chance.random() < odd:
            columns[chance.choice(WORDS)] = columns.pop(name)
    # Whole numbers beyond 2^63 are of a type of their own, which is not guessed where some cells are empty.
    types = {name: pyarrow.uint64() if 2**63 in cells else None for name, cells in columns.items()}
    made = {name: pyarrow.array(cells, types[name]) for name, cells in columns.items()}
    other = {name: as_odd_type(chance, cells) if chance.random() < 5 * odd else cells for name, cells in made.items()}
    try:
        parquet.write_table(pyarrow.table(other), path)
    except pyarrow.ArrowException:
        # Not every type can be written.
        parquet.write_table(pyarrow.table(made), path)


def as_odd_type(chance: Random, column: Any) -> Any:
    """A column in a type that other programs write, where its cells can be of it."""
    import pyarrow

    types = (
        *("float16", "float32", "int8", "uint8", "uint64", "bool_", "string", "large_string", "binary", "null"),
        *("date32", "date64"),
    )
    kinds = [
        *(getattr(pyarrow, name)() for name in types),
        *(pyarrow.decimal128(20, 3), pyarrow.decimal256(60, 3), pyarrow.timestamp("ns", "UTC"), pyarrow.duration("s")),
        *(pyarrow.time64("us"), pyarrow.binary(3), pyarrow.list_(pyarrow.int64(), 1), pyarrow.map_("string", "int8")),
    ]
    try:
        match chance.randrange(6):
            case 0:
                return column.dictionary_encode()
            case 1:
                return pyarrow.StructArray.from_arrays([column], ["x"])
            case 2:
                return pyarrow.ListArray.from_arrays(range(len(column) + 1), column)
            case 3:
                return pyarrow.RunEndEncodedArray.from_arrays([len(column)], column[:1]) if len(column) else column
            case _:
                return column.cast(chance.choice(kinds))
    except (pyarrow.ArrowException, TypeError, ValueError):
        return column
