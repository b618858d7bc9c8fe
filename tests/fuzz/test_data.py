"""Files of a user's own with odd content: each command takes them or says in one line why not."""

import json
import shutil
from datetime import datetime
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from neuraltape.cli.main import main
from tests.fuzz.conftest import Try
from tests.fuzz.odd import VALUES, WORDS, Watch
from tests.fuzz.test_folders import change

SMALL = (
    *("--hidden-size", "4", "--memory-slots", "3", "--memory-width", "2", "--batch-size", "4", "--max-sequences", "8"),
    *("--evaluate-every", "8", "--evaluate-sequences", "4"),
)
# pyarrow is an extra.
SUFFIXES = (".csv", ".jsonl", ".npz", ".npy", ".txt", *([".parquet"] if find_spec("pyarrow") else []))
OUTPUTS = (".npz", ".jsonl", ".csv")
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


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine that goes on with bits, one that says classes, and one that has learned a text."""
    folder = tmp_path_factory.mktemp("learned")
    (folder / "good.txt").write_text("to be or not to be\n" * 3)
    assert main(["train", "--data", str(folder / "good.txt"), "--run-dir", str(folder / "text"), *SMALL]) == 0
    for name, predicts in (("next", "next"), ("classes", "targets")):
        write(Random(0), folder / "good.jsonl", odd=0.0)
        words = ("train", "--data", str(folder / "good.jsonl"), "--predicts", predicts, "--run-dir", str(folder / name))
        assert main([*words, *SMALL]) == 0
    return folder


def value(chance: Random, good: Any, odd: float) -> Any:
    """A value, now and then an odd one."""
    return chance.choice((*VALUES, *WORDS)) if chance.random() < odd else good


def write(chance: Random, path: Path, *, odd: float) -> None:
    """Some sequences of two bits and a class a step."""
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
            lines = [[value(chance, name, odd) for name in ("sequence", "step", "x", "y", "targets")]]
            for number, row in enumerate(rows):
                for step, (inputs, target) in enumerate(zip(row["inputs"], row["targets"], strict=True)):
                    cells = [value(chance, number, odd), value(chance, step, odd), *inputs, target]
                    lines.append(cells[: len(cells) - (chance.random() < odd)])
            data = "\n".join(",".join(map(str, line)) for line in lines).encode("utf-8", "surrogatepass")
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
            shape = chance.choice(((6, 5, 2), (6, 5, 2), (6, 5), (0, 5, 2), (6, 0, 2), (2, 2, 2, 2), ()))
            kind = chance.choice(("u1", "f4", "f8", "i8", "u8", "f2", "c8", "U3", "?", "M8[s]"))
            values = np.array([chance.choice((0, 1, 1, 2)) for _ in range(int(np.prod(shape)))])
            arrays = {"inputs": values.reshape(shape).astype(kind)}
            if chance.random() < 0.5:
                arrays["lengths"] = np.array([value(chance, 3, 0.0) for _ in range(chance.choice((6, 6, 5, 0)))])
            if chance.random() < 0.5:
                arrays[chance.choice(("targets", "mask", "x"))] = np.full(chance.choice(((6, 5), (6,), (6, 5, 1))), 1)
            if path.suffix == ".npy":
                np.save(path, arrays["inputs"], allow_pickle=True)
            else:
                np.savez(path, allow_pickle=True, **arrays)
            return
    path.write_bytes(data)


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
    arrays = {name: pyarrow.array(cells, types[name]) for name, cells in columns.items()}
    parquet.write_table(pyarrow.table(arrays), path)


def test_no_file_of_data_hurts_a_command(here: Path, learned: Path, attempt: Try) -> None:
    watch = Watch("data", 1000)
    for chance in watch.draws():
        for name in ("out", "new", "runs/fresh"):
            shutil.rmtree(here / name, ignore_errors=True)
        suffix = chance.choice(SUFFIXES)
        run = "text" if suffix == ".txt" else chance.choice(("next", "classes"))
        path = here / f"data{suffix}"
        path.unlink(missing_ok=True)
        write(chance, path, odd=chance.choice((0.0, 0.005, 0.05)))
        how = change(chance, path) if chance.random() < 0.3 else "odd values"
        calls = (
            ("train", "--data", path.name, "--run-dir", "runs/fresh", *SMALL),
            ("train", "--data", path.name, "--run-dir", "runs/fresh", "--test-fraction", "0.3", *SMALL),
            ("train", "--data", path.name, "--validation", path.name, "--run-dir", "runs/fresh", *SMALL),
            ("evaluate", str(learned / run), "--data", path.name, "--output", "out"),
            ("plot", str(learned / run), "--data", path.name, "--output", "out"),
            ("predict", str(learned / run), path.name, "--output", f"new/x{chance.choice(OUTPUTS)}"),
            ("generate", str(learned / run), "--prompt", path.name, "--steps", "2", "--output", "new/x.npz"),
        )
        before = len(watch.found)
        attempt(watch, *chance.choice(calls))
        watch.found[before:] = [f"{each} with {how}: {peek(path)}" for each in watch.found[before:]]
        if path.is_dir():
            path.rmdir()
    watch.end()


def peek(path: Path) -> str:
    """What the file began with."""
    return repr(path.read_bytes()[:300]) if path.is_file() else "no file"
