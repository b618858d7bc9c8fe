import gc
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from neuraltape.data import DATASETS, DataError, Part, open_part
from neuraltape.data.download import MOST_BYTES, _Meter, download
from tests.data.archives import BABI, make_babi, make_tar


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class calls it so)
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and where it is served on this computer."""
    folder = tmp_path / "site"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
    # A connection that was left open warns when it is collected: so that it does so here.
    gc.collect()


@pytest.fixture
def part(site: tuple[Path, str]) -> Part:
    """bAbI as this computer serves it."""
    archive = make_babi(site[0])
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    return replace(DATASETS["babi"][0], url=f"{site[1]}/{archive.name}", checksum=f"sha256:{digest}")


def get(part: Part, folder: Path) -> tuple[Path, bool]:
    return download(part, folder, told=lambda *_: None)


def test_a_part_is_downloaded_unpacked_and_then_there(part: Part, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    place, new = download(part, tmp_path / "cache", told=lambda *each: told.append(each))
    assert (place, new) == (tmp_path / "cache" / part.name, True)
    assert sorted(path.name for path in place.parent.iterdir()) == [part.name]
    with open_part(part, tmp_path / "cache") as files:
        assert {name: files.read(name) for name in files.names} == BABI
    assert {doing for doing, _, _ in told} == {"downloading", "unpacking"}
    assert all(done <= total for _, done, total in told)
    assert told[-1] == ("unpacking", 2, 2)
    assert get(replace(part, url="http://127.0.0.1:9/none"), tmp_path / "cache") == (place, False)


def test_another_file_than_expected_is_refused(part: Part, site: tuple[Path, str], tmp_path: Path) -> None:
    make_babi(site[0], {"en/qa1_x_train.txt": b"something else"})
    with pytest.raises(DataError, match="not the file that was expected"):
        get(part, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x.zip", "SITE/missing.tar.gz"])
def test_no_connection_and_no_file_are_one_line(
    part: Part, site: tuple[Path, str], tmp_path: Path, address: str
) -> None:
    with pytest.raises(DataError, match="no download") as caught:
        get(replace(part, url=address.replace("SITE", site[1])), tmp_path / "cache")
    assert "\n" not in str(caught.value)


def test_a_download_without_end_is_cut_off(part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuraltape.data.download.MOST_BYTES", 10)
    with pytest.raises(DataError, match="refused, it is longer than"):
        get(part, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_archive_that_points_outside_is_not_unpacked(part: Part, site: tuple[Path, str], tmp_path: Path) -> None:
    archive = make_tar(site[0] / "evil.tar.gz", {f"{part.name}/en/qa1_x_train.txt": b"", "../../evil.txt": b"!"})
    digest = hashlib.md5(archive.read_bytes()).hexdigest()
    with pytest.raises(DataError, match="may lie outside"):
        get(replace(part, url=f"{site[1]}/evil.tar.gz", checksum=f"md5:{digest}"), tmp_path / "a" / "cache")
    assert not list(tmp_path.rglob("evil.txt"))
    assert not (tmp_path / "a" / "cache" / part.name).exists()


def test_a_download_that_goes_on_and_on_is_cut_off() -> None:
    meter = _Meter(DATASETS["babi"][0], lambda what, done, total: None)
    meter.update(MOST_BYTES)
    with pytest.raises(DataError, match="refused, it is longer than 64 MB"):
        meter.update(1)
