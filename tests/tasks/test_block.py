"""Large files as whole arrays: the same tables as row by row."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from neuraltape.tasks import DataError, Sequences, block
from neuraltape.tasks.block import read_block
from neuraltape.tasks.files import read_rows
from neuraltape.tasks.stored import Drawn, Stored
from neuraltape.tasks.table import Table, make_table, table_of_block
from neuraltape.tasks.table_task import TableTask

RANDOM = np.random.default_rng(0)
BITS = RANDOM.integers(0, 2, (7, 4, 3), dtype=np.uint8)
REALS = RANDOM.normal(size=(7, 4, 2))
SYMBOLS = RANDOM.integers(0, 5, (7, 4))
# None has all four steps.
LENGTHS = np.array([2, 3, 2, 3, 3, 2, 2])
PADDED = np.where(np.arange(4)[:, None] < LENGTHS[:, None, None], REALS, np.nan)


class Fixed(TableTask):
    """A task with this table."""

    name, summary, length_name, source = "fixed", "", "steps", ""
    table, rows, input_names, output_names = None, None, (), ()  # type: ignore[assignment]

    def __init__(self, table: Table) -> None:
        object.__setattr__(self, "table", table)


@pytest.mark.parametrize(
    ("arrays", "options"),
    [
        ({"inputs": BITS}, {}),
        ({"inputs": BITS.astype(bool), "targets": BITS[:, :, :1]}, {}),
        ({"inputs": REALS}, {}),
        ({"inputs": REALS.astype(np.float32), "targets": SYMBOLS}, {}),
        ({"inputs": REALS, "targets": SYMBOLS.astype(np.uint16)}, {"scored": "last"}),
        ({"inputs": SYMBOLS}, {"scored": "last"}),
        ({"inputs": SYMBOLS.astype(np.int8)}, {"symbols": 9}),
        ({"inputs": SYMBOLS}, {"kind": "values"}),
        ({"inputs": SYMBOLS, "targets": SYMBOLS[:, :, None].astype(float)}, {"kind": "classes", "classes": 6}),
        ({"inputs": SYMBOLS, "targets": REALS}, {"predicts": "next"}),
        ({"inputs": SYMBOLS, "targets": REALS[:, :, 0]}, {}),
        ({"inputs": BITS[:, :, 0], "targets": BITS}, {"kind": "values"}),
        ({"inputs": BITS, "targets": np.arange(7)}, {}),
        ({"inputs": BITS, "targets": np.arange(7) - 3.5, "lengths": LENGTHS}, {}),
        ({"inputs": SYMBOLS, "targets": np.arange(7) + 300, "lengths": LENGTHS}, {}),
        ({"inputs": BITS, "lengths": LENGTHS}, {}),
        ({"inputs": PADDED, "lengths": LENGTHS}, {"scored": "last"}),
        ({"inputs": PADDED, "targets": SYMBOLS, "lengths": LENGTHS.astype(np.uint8)}, {}),
        ({"inputs": BITS, "mask": SYMBOLS > 1, "lengths": LENGTHS}, {}),
        ({"inputs": BITS, "mask": (SYMBOLS > 1).astype(int), "targets": SYMBOLS}, {"scored": "last"}),
    ],
)
def test_a_table_of_whole_arrays_is_that_of_their_rows(
    tmp_path: Path, monkeypatch, arrays: dict, options: dict
) -> None:
    monkeypatch.setattr("neuraltape.tasks.table.CHUNK", 3)
    path = str(tmp_path / "a.npz")
    np.savez(path, **arrays)
    how = {"kind": "auto", "symbols": None, "classes": None, **options}
    whole = read_block(path)
    assert whole is not None
    table, expected = table_of_block(path, whole, **how), make_table(path, read_rows(path), **how)
    inside = torch.arange(int(expected.lengths.max())) < expected.lengths[:, None]
    for name, one, other in zip(table._fields, table, expected, strict=True):
        if isinstance(one, Drawn):
            one = one[:]
        if isinstance(one, torch.Tensor):
            assert one.shape == other.shape, name
            # What stands in the padding does not matter.
            kept = slice(None) if one.dim() == 1 else inside
            assert torch.equal(one[kept].to(other.dtype), other[kept]), name
            assert one.dtype.itemsize <= other.dtype.itemsize
        else:
            assert one == other, name
    drawn = [table_of_rows.batch(torch.arange(7)) for table_of_rows in (Fixed(table), Fixed(expected))]
    assert all(torch.equal(one, other) for one, other in zip(*drawn, strict=True))
    task = Sequences(path, **options)
    assert sum(task.counts) == 7
    assert not task._read


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        (
            {"inputs": np.where(np.arange(7)[:, None, None] == 5, np.nan, REALS)},
            {},
            r"row 6 \(inputs\[5\]\): inputs must be",
        ),
        ({"inputs": REALS, "targets": BITS + 1}, {"kind": "bits"}, r"row 1 .*: bits must be 0 or 1; got"),
        ({"inputs": SYMBOLS}, {"symbols": 2}, "inputs must be symbols, whole numbers from 0 to 1"),
        ({"inputs": SYMBOLS[:, :1]}, {}, "row 1 .* needs two steps or more"),
        ({"inputs": REALS}, {"predicts": "targets"}, "row 1 .*: no targets"),
        (
            {"inputs": REALS, "targets": REALS},
            {"kind": "classes"},
            "classes must be one a step or one a sequence; got 2 features",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_row(tmp_path: Path, arrays: dict, options: dict, message: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    assert read_block(str(tmp_path / "a.npz")) is not None
    with pytest.raises(DataError, match=message):
        Sequences(str(tmp_path / "a.npz"), **options).prepare()


def test_what_is_no_block_is_left_to_who_reads_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    others = [{"inputs": BITS, "lengths": np.full(7, each)} for each in (0, 5, 4.0)]
    others += [{"inputs": BITS, "lengths": np.full(6, 4)}, {"inputs": BITS, "mask": BITS}, {"other": BITS}]
    others += [{"inputs": BITS, "mask": SYMBOLS}, {"inputs": BITS, "mask": BITS[:, :, 0], "targets": np.arange(7)}]
    others += [{"inputs": BITS, "targets": np.arange(6)}, {"inputs": BITS, "targets": BITS[:6]}, {"inputs": BITS[0, 0]}]
    others += [{"inputs": np.array([["a"]])}, {"inputs": np.asfortranarray(BITS)}, {"inputs": BITS[:0]}]
    for arrays in others:
        np.savez(path, **arrays)
        assert read_block(str(path)) is None, list(arrays)
    np.savez_compressed(path, inputs=BITS)
    assert read_block(str(path)) is None
    # Bytes of a pickle are no numbers.
    np.savez(path, inputs=np.array([object()], dtype=object))
    assert read_block(str(path)) is None
    np.savez(path, inputs=BITS)
    path.write_bytes(path.read_bytes()[:-100])
    assert read_block(str(path)) is None
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inputs.npy", b"no array")
    assert read_block(str(path)) is None
    assert read_block(str(tmp_path / "no.npz")) is None
    assert read_block(str(tmp_path / "a.jsonl")) is None


def test_a_single_array_is_the_inputs(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, BITS)
    whole = read_block(str(path))
    assert whole is not None
    assert isinstance(whole.inputs, Stored)
    task = Sequences(str(path))
    assert (task.table.kind, task.predicts_next, sum(task.counts)) == ("bits", True, 7)
    assert torch.equal(task.read_inputs(str(path), 3)[0], torch.from_numpy(BITS).float())
    np.save(path, np.array([[1, 2], [3]], dtype=object), allow_pickle=True)
    with pytest.raises(
        DataError, match=r"a.npy: expected an .npy array of numbers; got: arrays of objects, .* docs/own-data.md"
    ):
        Sequences(str(path)).prepare()


def test_more_steps_than_memory_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "a.npz", inputs=BITS)
    monkeypatch.setattr("neuraltape.tasks.block.MOST_STEPS", 28)
    assert read_block(str(tmp_path / "a.npz")) is not None
    monkeypatch.setattr("neuraltape.tasks.block.MOST_STEPS", 27)
    with pytest.raises(DataError, match=r"a\.npz: expected at most 27 steps; got 28"):
        Sequences(str(tmp_path / "a.npz")).prepare()


def test_a_file_is_not_changed_by_who_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, inputs=BITS)
    before = path.read_bytes()
    whole = read_block(str(path))
    assert whole is not None
    whole.inputs[:].fill(9)
    Drawn(whole.inputs)[:].fill_(9)
    assert path.read_bytes() == before
    assert block.CHUNK > 1
