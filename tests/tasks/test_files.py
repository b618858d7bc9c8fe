import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neuraltape.tasks.block import stored_arrays
from neuraltape.tasks.files import read_rows
from neuraltape.tasks.row import DataError

ONES = np.ones((3, 4, 2))


def npz(folder: Path, **arrays) -> str:
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return str(path)


def jsonl(folder: Path, *lines) -> str:
    path = folder / "data.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return str(path)


def test_npz_rows_end_at_their_lengths(tmp_path: Path) -> None:
    inputs = np.arange(24.0).reshape(3, 4, 2)
    inputs[1, 2:] = np.nan
    rows = read_rows(npz(tmp_path, inputs=inputs, targets=inputs[..., 0], lengths=[4, 2, 1], mask=np.eye(3, 4)))
    assert [len(row.inputs) for row in rows] == [4, 2, 1]
    for i, row in enumerate(rows):
        assert row.targets is not None
        assert row.mask is not None
        assert row.inputs.tolist() == inputs[i, : len(row.inputs)].tolist()
        assert row.targets.tolist() == inputs[i, : len(row.inputs), 0].tolist()
        assert row.mask.tolist() == [step == i for step in range(len(row.inputs))]
    assert rows[1].place.endswith("data.npz, row 2 (inputs[1])")


def test_npz_lengths_may_be_left_out(tmp_path: Path) -> None:
    rows = read_rows(npz(tmp_path, inputs=ONES, targets=np.array([1, 0, 2])))
    assert [len(row.inputs) for row in rows] == [4, 4, 4]
    assert [int(row.targets) for row in rows if row.targets is not None] == [1, 0, 2]
    assert rows[0].mask is None


def test_jsonl_rows_are_its_lines(tmp_path: Path) -> None:
    path = jsonl(tmp_path, {"inputs": [1, 2]}, "", {"inputs": [[3]], "targets": 1}, {"inputs": [1], "mask": [True]})
    rows = read_rows(path)
    assert [row.inputs.tolist() for row in rows] == [[1, 2], [[3]], [1]]
    assert [row.place for row in rows] == [f"{path}, row {n}" for n in (1, 3, 4)]
    assert rows[1].targets is not None
    assert rows[1].targets.shape == ()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"targets": ONES}, "no inputs; expected inputs, targets, lengths, mask"),
        ({"inputs": ONES, "target": ONES}, "unknown key 'target'; expected inputs, targets, lengths, mask"),
        ({"inputs": np.ones(3)}, r"inputs must be \(sequences, time, features\).*got shape \(3,\)"),
        ({"inputs": np.ones((0, 4, 2))}, "empty"),
        ({"inputs": np.ones((3, 0, 2))}, "empty"),
        ({"inputs": ONES, "lengths": np.array([4, 4])}, r"lengths must be 3 integers.*shape \(2,\)"),
        ({"inputs": ONES, "lengths": np.ones(3)}, "lengths must be 3 integers, one a sequence; got float64"),
        (
            {"inputs": ONES, "lengths": np.array([4, 5, 1])},
            r"row 2 \(inputs\[1\]\): its length must be between 1 and 4; got 5",
        ),
        ({"inputs": ONES, "lengths": np.array([4, 4, 0])}, "row 3 .*got 0"),
        ({"inputs": ONES, "targets": np.ones((3, 5, 1))}, r"targets must be \(3, 4, features\).*got shape \(3, 5, 1\)"),
        ({"inputs": ONES, "targets": np.ones(4)}, r"targets must be .*got shape \(4,\)"),
        ({"inputs": ONES, "targets": np.ones((3, 4, 1, 1))}, "targets must be"),
        ({"inputs": ONES, "targets": np.float64(1)}, r"targets must be .*got shape \(\)"),
        ({"inputs": ONES, "mask": np.ones((3, 4, 1))}, r"mask must be \(3, 4\)"),
        ({"inputs": ONES, "mask": 2 * np.ones((3, 4))}, r"row 1 \(inputs\[0\]\): mask must be a 0 or 1"),
        ({"inputs": np.where(np.arange(24).reshape(3, 4, 2) == 13, np.nan, 1)}, "row 2 .*finite.*got nan at step 3"),
        ({"inputs": ONES.astype("U")}, "row 1 .*inputs must be numbers"),
        (
            {"inputs": ONES.astype(object)},
            "expected an .npz archive of arrays of numbers; got: arrays of objects, which may run code",
        ),
    ],
)
def test_a_bad_npz_is_one_clear_line(tmp_path: Path, arrays, message: str) -> None:
    path = npz(tmp_path, **arrays)
    check_error(path, message)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "empty; expected at least one sequence"),
        (["", "  "], "empty"),
        ([{"inputs": [1]}, "{"], "row 2: expected one JSON object; .* at column 2"),
        (["inputs: 1"], "row 1: expected one JSON object"),
        (["[" * 100_000], "row 1: expected one JSON object"),
        ([[1, 2]], "row 1: expected an object such as"),
        ([{"inputs": [1]}, {"inputs": [1], "label": 3}], "row 2: unknown key 'label'; expected inputs, targets, mask"),
        ([{"targets": [1]}], "row 1: no inputs"),
        (['{"inputs": [1, NaN]}'], "row 1: inputs must be finite float32 numbers; got nan at step 2"),
        (['{"inputs": [1e999]}'], "row 1: inputs must be finite float32 numbers; got inf at step 1"),
        ([{"inputs": [[1, 2]]}, {"inputs": [[1, 2], [3]]}], "row 2: .*step 2 has 1, the first has 2"),
        ([{"inputs": [1, 2], "targets": [1]}], "row 1: targets must have as many steps as inputs, 2; got 1"),
        ([{"inputs": None}], "row 1: inputs must be numbers"),
    ],
)
def test_a_bad_jsonl_is_one_clear_line(tmp_path: Path, lines, message: str) -> None:
    check_error(jsonl(tmp_path, *lines), message)


def check_error(path: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_rows(path)
    assert str(caught.value).startswith(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    for name in ("a.npz", "a.jsonl"):
        check_error(str(tmp_path / name), "cannot be read: No such file or directory")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    for name in ("a.npz", "a.jsonl"):
        (tmp_path / name).mkdir()
        check_error(str(tmp_path / name), "cannot be read: Is a directory")


def test_another_ending_is_said(tmp_path: Path) -> None:
    check_error(str(tmp_path / "data.txt"), r"expected a file that ends in \.npz, \.npy, \.jsonl, \.csv or \.parquet")
    check_error(
        str(tmp_path / "rolls.pkl"), r"a \.pkl file may run code when it is opened, .* docs/own-data\.md says how"
    )


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"text", bytes(range(100))])
def test_bytes_that_are_no_npz_are_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.npz").write_bytes(content)
    check_error(str(tmp_path / "data.npz"), r"expected an \.npz archive of arrays of numbers")


def test_a_cut_npz_is_said(tmp_path: Path) -> None:
    path = Path(npz(tmp_path, inputs=ONES))
    path.write_bytes(path.read_bytes()[:-30])
    check_error(str(path), r"expected an \.npz archive")


def test_an_array_too_large_for_the_memory_is_said(tmp_path: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000, 1000)}"
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("inputs.npy", b"\x93NUMPY\x01\x00\x76\x00" + header.ljust(0x76 - 1) + b"\n")
    check_error(str(tmp_path / "data.npz"), r"says it has the shape \(1000000, 1000000, 1000\), in 128 bytes")


@pytest.mark.parametrize(
    "header", [b"k\x07lesgr': '<U3', 'shape': (0, 5, 2), }  0", b"{'shape': (2,", b"  a\n b\nc", b"\0", b"(1"]
)
def test_a_header_that_is_none_is_said(tmp_path: Path, header: bytes) -> None:
    array = b"\x93NUMPY\x01\x00\x76\x00" + header.ljust(0x76 - 1) + b"\n" + bytes(80)
    (tmp_path / "data.npy").write_bytes(array)
    check_error(str(tmp_path / "data.npy"), r"expected an \.npy array of numbers")
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("inputs.npy", array)
    check_error(str(tmp_path / "data.npz"), r"expected an \.npz archive of arrays of numbers")
    assert stored_arrays(str(tmp_path / "data.npy")) is stored_arrays(str(tmp_path / "data.npz")) is None


def test_what_unpacks_to_too_much_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.ones((100, 20, 3), np.uint8)
    np.savez_compressed(tmp_path / "data.npz", inputs=rows)
    monkeypatch.setattr("neuraltape.tasks.files.MOST_BYTES", 6200)
    assert len(read_rows(str(tmp_path / "data.npz"))) == 100
    # As much again, in a member of no use.
    np.savez_compressed(tmp_path / "data.npz", inputs=rows, other=rows)
    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipExtFile, "read", lambda *_: pytest.fail("it was unpacked"), raising=True)
        patch.setattr("neuraltape.tasks.files._check_array", lambda file, size: size)
        check_error(str(tmp_path / "data.npz"), r"expected at most 6,200 bytes .* it has 12,256 \(numpy\.savez writes")
    # What is read where it lies is never unpacked, but would have to be copied row by row.
    np.savez(tmp_path / "data.npz", inputs=np.concatenate([rows, rows]))
    check_error(str(tmp_path / "data.npz"), "expected at most 6,200 bytes .* it has 12,000$")
    np.save(tmp_path / "data.npy", np.asfortranarray(np.concatenate([rows, rows])))
    check_error(str(tmp_path / "data.npy"), "expected at most 6,200 bytes .* it has 12,128$")


def test_a_damaged_npz_is_said(tmp_path: Path) -> None:
    path = Path(npz(tmp_path, inputs=ONES))
    content = bytearray(path.read_bytes())
    content[200:210] = b"0123456789"
    path.write_bytes(content)
    check_error(str(path), r"expected an \.npz archive")


def test_a_locked_npz_is_said(tmp_path: Path) -> None:
    path = Path(npz(tmp_path, inputs=np.zeros((2, 3, 1), np.float32)))
    data = bytearray(path.read_bytes())
    # The bit that says so stands in a member's own header and in the archive's list of them.
    data[data.index(b"PK\x03\x04") + 6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert stored_arrays(str(path)) is None
    check_error(str(path), "encrypted")


def test_a_single_array_is_no_npz(tmp_path: Path) -> None:
    with open(tmp_path / "data.npz", "wb") as file:
        np.save(file, ONES)
    check_error(str(tmp_path / "data.npz"), "this is a single array")


def test_a_member_that_is_no_array_is_said(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("inputs", "hello")
    check_error(str(tmp_path / "data.npz"), "inputs must be")


def test_bytes_that_are_no_text_are_said(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_bytes(b'{"inputs": [1]}\n\xff\xfe\n')
    check_error(str(tmp_path / "data.jsonl"), "row 2: expected one JSON object")


def test_an_array_of_objects_runs_no_code(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    path = npz(tmp_path, inputs=np.array([[Trap()]], dtype=object))
    check_error(path, "expected an .npz archive")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("name", "text"), [("x.jsonl", '{"inputs": [[0,1]]}\n'), ("x.csv", "sequence,first_one\n0,1\n")]
)
def test_a_line_without_an_end_is_not_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    path, longest = tmp_path / name, max(map(len, text.splitlines(keepends=True)))
    path.write_text(text)
    monkeypatch.setattr("neuraltape.tasks.row.LONGEST_LINE", longest)
    assert len(read_rows(str(path))) == 1
    monkeypatch.setattr("neuraltape.tasks.row.LONGEST_LINE", longest - 1)
    with pytest.raises(DataError, match=f"line 1: expected at most {longest - 1} characters; got more"):
        read_rows(str(path))
