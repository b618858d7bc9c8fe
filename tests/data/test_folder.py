from pathlib import Path

import pytest

from neuraltape.data import DataError, open_folder
from neuraltape.data.files import Files
from neuraltape.data.folder import unpack


def test_a_folder_reads_like_an_archive(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.txt").write_bytes(b"x")
    files = open_folder(tmp_path)
    assert files.names == ("a/x.txt",)
    assert files.read("a/x.txt") == b"x"


def test_a_missing_folder_and_a_file_that_vanished_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be read \(No such file"):
        open_folder(tmp_path / "none")
    (tmp_path / "x.txt").write_bytes(b"x")
    files = open_folder(tmp_path)
    (tmp_path / "x.txt").unlink()
    with pytest.raises(DataError, match=r"x\.txt: cannot be read"):
        files.read("x.txt")


def test_a_folder_with_too_much_in_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuraltape.data.folder.MOST_FILES", 1)
    for name in "ab":
        (tmp_path / name).touch()
    with pytest.raises(DataError, match="expected the folder of a data set"):
        open_folder(tmp_path)


def test_unpacking_writes_every_file_and_tells(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    files = Files(Path("x.zip"), ("a/b.txt", "c.txt"), lambda name: name.encode())
    unpack(files, tmp_path / "new" / "place", told=lambda *each: told.append(each))
    assert open_folder(tmp_path).names == ("new/place/a/b.txt", "new/place/c.txt")
    assert (tmp_path / "new" / "place" / "a" / "b.txt").read_bytes() == b"a/b.txt"
    assert told == [(1, 2), (2, 2)]


def test_unpacking_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def read(name: str) -> bytes:
        if name == "bad":
            raise DataError("no")
        return b""

    with pytest.raises(DataError, match="no"):
        unpack(Files(Path("x.zip"), ("a", "bad"), read), tmp_path / "place")
    assert list(tmp_path.iterdir()) == []


def test_unpacking_stays_inside(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="may lie outside"):
        unpack(Files(Path("x.zip"), ("../out",), lambda _: b""), tmp_path / "inner" / "place")
    assert not (tmp_path / "inner" / "out").exists()


def test_what_was_unpacked_can_be_read_by_others(tmp_path: Path) -> None:
    unpack(Files(tmp_path, ("a.txt",), lambda name: b"a"), tmp_path / "made")
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o755
