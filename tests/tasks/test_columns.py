"""Sequences in tables, a line a step."""

from pathlib import Path

import numpy as np
import pytest

from neuraltape.tasks.columns import Columns, input_names, read_columns, read_labels
from neuraltape.tasks.files import read_rows
from neuraltape.tasks.row import DataError
from neuraltape.tasks.sequences import Sequences

TABLE = """sequence,step,x,y,label
b,2,0.5,1,7
a,1,1.5,2,1
b,1,2.5,3,0
a,2,3.5,4,2
a,3,4.5,5,3
"""


def write(folder: Path, text: str) -> str:
    (folder / "table.csv").write_text(text, encoding="utf-8")
    return str(folder / "table.csv")


def test_lines_are_put_together_by_sequence_and_step(tmp_path: Path) -> None:
    first, second = read_rows(write(tmp_path, TABLE), Columns(["x", "y"], ["label"]))
    assert first.place.endswith("row 1 (sequence b)")
    assert first.inputs.tolist() == [[2.5, 3], [0.5, 1]]
    assert first.targets is not None
    assert first.targets.tolist() == [0, 7]
    assert first.targets.dtype == np.int64
    assert second.inputs.tolist() == [[1.5, 2], [3.5, 4], [4.5, 5]]


def test_what_lines_are_called_comes_in_the_order_of_the_rows(tmp_path: Path) -> None:
    path = write(tmp_path, '"sequence", step, x\nb,20,1\n"a, c",5,2\nb,3.5,3\n')
    assert [row.inputs.tolist() for row in read_columns(path, Columns(["x"]))] == [[3, 1], [2]]
    assert read_labels(path) == [("b", ["3.5", "20"]), ("a, c", ["5"])]
    assert read_labels(write(tmp_path, "sequence,x\nb,1\na,2\nb,3\n")) == [("b", [1, 2]), ("a", [1])]


def test_without_names_all_columns_go_in_and_without_steps_lines_come_as_they_are(tmp_path: Path) -> None:
    (row,) = read_columns(write(tmp_path, "sequence,x\n1,5\n1,3\n1,4\n"), Columns())
    assert (row.inputs.tolist(), row.inputs.dtype, row.targets) == ([5, 3, 4], np.dtype("int64"), None)
    (row,) = read_columns(write(tmp_path, "sequence,x,y\n1,5,0\n1,3,1\n"), Columns(None, ["y"]))
    assert row.inputs.tolist() == [5, 3]


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("", Columns(), "table.csv: empty; expected a first line"),
        ("sequence,x\n", Columns(), "table.csv: empty; expected at least one line"),
        ("x,y\n1,2\n", Columns(), "no column 'sequence', which says where a sequence ends; got x, y"),
        ("sequence,x\n1,2\n", Columns(["z"]), "no column 'z'; there are sequence, x"),
        ("sequence,x\n1,2\n", Columns(None, ["x"]), "no column is left for the inputs"),
        ("sequence,x\n1,\n", Columns(), "line 2: x must be a number; got ''"),
        ("sequence,x\n1,up\n", Columns(), "line 2: x must be a number; got 'up' \\(write classes as 0, 1, 2"),
        ("sequence,x\n1,5\n1,1_0\n", Columns(), "line 3: x must be a number; got '1_0'"),
        ("sequence,x\n1,nan\n", Columns(), "line 2: x must be finite float32 numbers; got nan"),
        (
            f"sequence,x\n1,1\n1,{2**63}\n",
            Columns(),
            "line 3: x must be whole numbers below 2",
        ),
        ("sequence;x\n1;2\n", Columns(), r"got sequence;x \(cells must have commas between them\)"),
        # A comma in a later line is no reason to speak of that line.
        ("sequence;x\na, b;2\n", Columns(), r"got sequence;x \(cells must have commas between them\)"),
        ("Sequence,x\n1,2\n", Columns(), r"got Sequence, x \('Sequence' must be called 'sequence'\)"),
        ("sequence,x\n1,1e39\n", Columns(), "must be finite float32 numbers"),
        ("sequence,x\n1,9223372036854775808\n", Columns(), "must be whole numbers below 2\\^63"),
        ("sequence,x\n1,2,3\n", Columns(), "line 2: expected 2 cells; got 3"),
        ("sequence,x,x\n1,2,3\n", Columns(), "two columns have one name"),
        ("sequence,step,x\n1,1,2\n1,1,3\n", Columns(), "sequence 1.: step 1 stands there twice"),
        ("sequence,x\n\n1,2\n\n1,up\n", Columns(), "line 5: x must be a number; got 'up'"),
        ('sequence,x,note\n1,2,"a\nb"\n1,3,c\n,3,d\n', Columns(["x"]), "line 5: sequence is empty"),
        ("sequence,step,x\n\n1,up,2\n", Columns(), "line 3: step must be a number; got 'up'"),
        ("sequence,x\n1,2\n ,3\n", Columns(), "line 3: sequence is empty; it must say which one the line belongs to"),
        (",sequence,x\n0,1,2\n", Columns(), r"a column without a name would be .*index=False\), .* \(--inputs\)"),
        ("Unnamed: 0,sequence,x\n0,1,2\n", Columns(), "the column 'Unnamed: 0' would be an input, as pandas writes"),
    ],
)
def test_a_table_that_cannot_be_used_is_said(tmp_path: Path, text: str, columns: Columns, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_rows(write(tmp_path, text), columns)


def test_columns_of_a_file_that_has_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"inputs": [1, 2]}\n')
    with pytest.raises(DataError, match=r"inputs and targets are names of columns, for \.csv and \.parquet files"):
        Sequences(str(tmp_path / "x.jsonl"), inputs=("x",)).prepare()


def test_a_new_table_is_read_by_the_names_of_the_first(tmp_path: Path) -> None:
    task = Sequences(write(tmp_path, TABLE), targets=("label",), validation_fraction=0).resolved()
    assert task.inputs == ("x", "y")
    inputs, lengths = task.read_inputs(write(tmp_path, "note,y,sequence,x\n9,1,s,0.5\n9,2,s,1.5\n"), 2)
    assert (inputs.tolist(), lengths.tolist()) == ([[[0.5, 1], [1.5, 2]]], [2])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_files_of_their_own_are_read_by_the_names_of_the_data(tmp_path: Path, suffix: str) -> None:
    paths = [str(tmp_path / f"{name}{suffix}") for name in "abc"]
    texts = ["x,y,sequence,z", "y,z,sequence,note,x", "sequence,y,z,u"]
    for path, names in zip(paths, texts, strict=True):
        cells = {"x": "0.5", "y": "7.5", "z": "2", "sequence": "1", "note": "9", "u": "0.5"}
        Path(path).write_text("\n".join([names, *[",".join(cells[name] for name in names.split(","))] * 2]) + "\n")
        if suffix == ".parquet":
            csv = pytest.importorskip("pyarrow.csv", reason="the extra 'data' is not installed")
            pytest.importorskip("pyarrow.parquet").write_table(csv.read_csv(path), path)
    for options, shown in (({"targets": ("z",)}, [0.5, 7.5]), ({}, [0.5, 7.5, 2])):
        # What is left to find out, if anything, changes nothing.
        for more in ({}, {"kind": "values", "predicts": "targets" if options else "next"}):
            task = Sequences(paths[0], validation=paths[1], test=paths[1], **options, **more)
            assert {tuple(step) for row in task.table.inputs[:].tolist() for step in row} == {tuple(shown)}
            assert task.read_inputs(paths[1], len(shown))[0].tolist() == [[shown, shown]]
            assert task.of_file(paths[1]).table.inputs[0, 0].tolist() == shown
        for name in ("validation", "test"):
            with pytest.raises(DataError, match=r"c\.\w+: no column 'x'; there are sequence, y, z, u"):
                Sequences(paths[0], **{name: paths[2]}, **options).prepare()


def test_a_table_and_arrays_are_no_parts_of_one_task(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", inputs=np.ones((2, 3, 2)))
    path = write(tmp_path, "sequence,x,y\n1,0.5,1\n1,1.5,2\n")
    with pytest.raises(
        DataError, match=r"a\.npz: expected a table, \.csv or \.parquet, with the columns of .*table\.csv"
    ):
        Sequences(path, validation=str(tmp_path / "a.npz")).prepare()
    assert Sequences(str(tmp_path / "a.npz"), validation=path).input_size == 2


def test_parquet_with_columns_that_are_no_numbers_is_refused(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="the extra 'data' is not installed")
    parquet, path = pytest.importorskip("pyarrow.parquet"), str(tmp_path / "a.parquet")

    def refused(message: str, **columns: list) -> None:
        parquet.write_table(pyarrow.table(columns), path)
        with pytest.raises(DataError, match=message):
            Sequences(path).prepare()

    refused("no column 'sequence', .* got a, x", a=[{"sequence": 1}], x=[0.5])
    refused("column 'sequence' must be numbers or names; got list<", sequence=[[1, 2]], x=[0.5])
    refused("column 'sequence' must be numbers or names; got struct<", sequence=[{"sequence": 1}], x=[0.5])
    refused("line 2: x must be a number; got 'list<", sequence=[1], x=[[0.5]])
    refused("line 3: sequence is empty", sequence=["a", None], x=[0.5, 1.5])
    refused("line 2: sequence is empty", sequence=[float("nan"), 1.0], x=[0.5, 1.5])
    refused("the column '__index_level_0__' would be an input", sequence=[1], x=[0.5], __index_level_0__=[0])
    refused("empty; expected at least one line", sequence=[], x=[])
    parquet.write_table(pyarrow.table([[1], [0.5], [1.5]], ["sequence", "x", "x"]), path)
    with pytest.raises(DataError, match="two columns have one name; got sequence, x, x"):
        read_columns(path, Columns())
    # What isn't asked for may be anything.
    parquet.write_table(pyarrow.table({"sequence": [1], "x": [0.5], "a": [{"b": 1}], "__index_level_0__": [0]}), path)
    assert read_columns(path, Columns(["x"]))[0].inputs.tolist() == [0.5]


def test_the_names_of_a_parquet_file_are_found_without_its_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="the extra 'data' is not installed")
    parquet, path = pytest.importorskip("pyarrow.parquet"), str(tmp_path / "a.parquet")
    parquet.write_table(pyarrow.table({"sequence": [1, 1], "y": [0.5, 1.0], "x": [2, 3]}), path)
    monkeypatch.setattr(parquet.ParquetFile, "read", lambda *_, **__: pytest.fail("it was read"))
    assert input_names(path, Columns(None, ["x"])) == ("y",)


def test_parquet_reads_like_csv(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="the extra 'data' is not installed")
    from pyarrow import csv, parquet

    path = write(tmp_path, TABLE)
    parquet.write_table(csv.read_csv(path), tmp_path / "table.parquet")
    columns = Columns(None, ["label"])
    for one, other in zip(read_rows(path, columns), read_rows(str(tmp_path / "table.parquet"), columns), strict=True):
        assert np.array_equal(one.inputs, other.inputs)
        assert one.targets is not None
        assert other.targets is not None
        assert np.array_equal(one.targets, other.targets)
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(DataError, match=r"bad\.parquet: expected a Parquet file"):
        read_rows(str(tmp_path / "bad.parquet"))
    assert pyarrow.__version__


def test_a_key_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"inputs": [1, 2], "inputs": [3]}\n')
    with pytest.raises(DataError, match=r"row 1: .*'inputs' stands there twice"):
        read_rows(str(tmp_path / "x.jsonl"))


def test_steps_whose_targets_are_empty_are_not_scored(tmp_path: Path) -> None:
    path = write(tmp_path, "sequence,x,y,z\n1,5,,\n1,3,2,7\n1,4, ,\n2,1,1,1\n")
    first, second = read_rows(path, Columns(["x"], ["y", "z"]))
    assert first.targets is not None
    assert first.mask is not None
    assert (first.targets.tolist(), first.mask.tolist()) == ([[0, 0], [2, 7], [0, 0]], [False, True, False])
    assert second.mask is None
    with pytest.raises(DataError, match="line 4: z is empty; all targets must be, or none"):
        read_rows(write(tmp_path, "sequence,x,y,z\n1,5,1,1\n\n1,3,2,\n"), Columns(["x"], ["y", "z"]))


def test_of_a_sequence_the_last_scored_step_can_be_the_only_one(tmp_path: Path) -> None:
    path = write(tmp_path, "sequence,x,y\n1,5,2\n1,3,2\n1,4,\n2,1,1\n2,2,1\n2,3,1\n")
    table = Sequences(path, inputs=("x",), targets=("y",), scored="last").table
    assert table.mask.tolist() == [[False, True, False], [False, False, True]]
    assert Sequences(path, inputs=("x",), scored="last").table.mask.tolist() == [[False, True], [False, True]]
    with pytest.raises(ValueError, match="scored must be all or last; got 'first'"):
        Sequences(path, scored="first")  # type: ignore[arg-type]


def test_a_parquet_file_of_endless_cells_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="the extra 'data' is not installed")
    path = str(tmp_path / "a.parquet")
    pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table({"sequence": [0] * 9, "x": [1.0] * 9}), path)
    assert len(read_columns(path, Columns())) == 1
    monkeypatch.setattr("neuraltape.tasks.columns.MOST_CELLS", 17)
    with pytest.raises(DataError, match="expected at most 17 cells; got 18"):
        read_columns(path, Columns())
