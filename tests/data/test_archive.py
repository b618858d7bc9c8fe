import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from neuraltape.data import DataError, open_archive
from tests.data.archives import make_tar, make_zip

FILES = {"b/two.txt": b"two", "b/one.txt": b"one" * 500, "a.txt": b""}


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz", "x.tgz", "x.tar", "X.TAR.GZ"])
def test_files_come_back_by_name_in_order(tmp_path: Path, name: str) -> None:
    path = (make_zip if name.endswith(".zip") else make_tar)(tmp_path / name, FILES)
    if name == "X.TAR.GZ":
        assert path.read_bytes()[:2] == b"\x1f\x8b"
    with open_archive(path) as files:
        assert files.names == ("a.txt", "b/one.txt", "b/two.txt")
        assert {each: files.read(each) for each in files.names} == FILES
        assert files.path == path


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz"])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.6, 0.98])
def test_a_truncated_archive_is_one_line(tmp_path: Path, name: str, keep: float) -> None:
    content = {f"{i}.txt": bytes(i * j % 251 for j in range(999)) for i in range(60)}
    path = (make_zip if name.endswith(".zip") else make_tar)(tmp_path / name, content)
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    with pytest.raises(DataError, match="broken or truncated archive") as caught, open_archive(path):
        pass
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_plain_tar_that_ends_early_is_found_out(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "x.tar", {"a.txt": bytes(4000)})
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match="broken or truncated archive"), open_archive(path):
        pass


def test_a_damaged_member_of_a_zip_is_found_out(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "x.zip", {"a.txt": bytes(range(256)) * 8})
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    with open_archive(path) as files, pytest.raises(DataError, match="broken or truncated archive"):
        files.read("a.txt")


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz", "x.tar"])
def test_something_else_with_the_right_ending_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"<html>404 not found</html>" * 100)
    with pytest.raises(DataError, match="broken or truncated archive"), open_archive(tmp_path / name):
        pass


def test_a_missing_file_a_folder_and_a_wrong_ending_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"x\.zip: cannot be read \(No such file"), open_archive(tmp_path / "x.zip"):
        pass
    (tmp_path / "y.zip").mkdir()
    with pytest.raises(DataError, match=r"cannot be read \(Is a directory"), open_archive(tmp_path / "y.zip"):
        pass
    with pytest.raises(DataError, match=r"expected an archive that ends in \.zip"), open_archive(tmp_path / "x.rar"):
        pass


@pytest.mark.parametrize("name", ["../out.txt", "/etc/out.txt", "a/../../out.txt", "C:/out.txt", "..\\out.txt"])
def test_a_name_that_points_outside_is_refused(tmp_path: Path, name: str) -> None:
    for path in (make_zip(tmp_path / "x.zip", {name: b"!"}), make_tar(tmp_path / "x.tar.gz", {name: b"!"})):
        with pytest.raises(DataError, match="may lie outside of its folder"), open_archive(path):
            pass


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    link = tarfile.TarInfo("link")
    link.type, link.linkname = kind, "/etc/passwd"
    with (
        pytest.raises(DataError, match="'link' in it is a link or a device"),
        open_archive(make_tar(tmp_path / "x.tar.gz", FILES, link)),
    ):
        pass


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    path, link = tmp_path / "x.zip", zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="'link' in it is a link"), open_archive(path):
        pass


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz", "x.tar"])
def test_an_archive_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = (make_zip if name.endswith(".zip") else make_tar)(tmp_path / name, {"bomb": bytes(2**21)})
    for module in ("archive", "bounds"):
        monkeypatch.setattr(f"neuraltape.data.{module}.MOST_BYTES", 2**20)
    with pytest.raises(DataError, match="unpacks to more than 1 MB"), open_archive(path):
        pass


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuraltape.data.bounds.MOST_FILES", 2)
    with pytest.raises(DataError, match="more than 2 files"), open_archive(make_tar(tmp_path / "x.tar.gz", FILES)):
        pass


def test_an_error_of_the_callers_own_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="mine"), open_archive(make_zip(tmp_path / "x.zip", FILES)):
        raise RuntimeError("mine")
