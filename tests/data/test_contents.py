"""What files hold in a few figures, and that another content is refused."""

import re
from hashlib import sha256
from pathlib import Path

import pytest

from neuraltape.data import DataError, contents, open_archive, open_folder
from neuraltape.data.contents import check_contents, contents_of, contents_of_files
from tests.data.archives import make_zip


def test_a_file_is_its_size_and_the_checksum_of_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "PART", 7)
    path = tmp_path / "a"
    for data in (b"", b"seven b", b"more than seven bytes"):
        path.write_bytes(data)
        found = contents_of(path)
        # sha256sum prints the same.
        assert found == f"{len(data)} bytes {sha256(data).hexdigest()[:32]}"
        check_contents(path, found)


def test_what_differs_is_said_and_another_size_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1234")
    kept = contents_of(path)
    path.write_bytes(b"1235")
    with pytest.raises(
        DataError, match=re.escape(f"{path}: it does not hold what the run has learned from (4 bytes as")
    ):
        check_contents(path, kept)
    path.write_bytes(b"12345")
    monkeypatch.setattr(contents, "contents_of", None)
    with pytest.raises(DataError, match=r"\(5 bytes now, 4 bytes then\); put that back, or train anew$"):
        check_contents(path, kept)
    path.unlink()
    for ask in (lambda: check_contents(path, kept), lambda: contents_of(path)):
        with pytest.raises(DataError, match="cannot be read: No such file"):
            ask()


def test_a_data_set_is_the_same_in_a_folder_and_in_an_archive(tmp_path: Path) -> None:
    files = {"a/1.txt": b"one", "a/2.txt": b"two"}
    folder = tmp_path / "folder"
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    found = contents_of_files(open_folder(folder))
    assert re.fullmatch("2 files [0-9a-f]{32}", found)
    for change, same in (({}, True), ({"a/2.txt": b"tow"}, False), ({"a/3.txt": b""}, False)):
        with open_archive(make_zip(tmp_path / "a.zip", {**files, **change})) as archive:
            assert (contents_of_files(archive) == found) is same
    # The names count, and where one file ends.
    (folder / "a/1.txt").rename(folder / "a/0.txt")
    assert contents_of_files(open_folder(folder)) != found
