import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from neuraltape import files
from neuraltape.data.archive import open_archive
from neuraltape.data.folder import open_folder
from neuraltape.evaluation.report import Report
from neuraltape.files import write_atomically
from neuraltape.nn.pretrained import saved_arguments
from neuraltape.runs.metrics import read_metrics
from neuraltape.settings.fields import read_mapping
from neuraltape.study.result import Result
from neuraltape.tasks import Text
from neuraltape.tasks.block import read_block
from neuraltape.tasks.files import read_rows
from neuraltape.tasks.vocabulary import Vocabulary


def test_it_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failure_before_the_end_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(*arguments: object) -> None:
        raise OSError("no")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(OSError, match="no"):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    write_atomically(path, b"newer")
    assert path.read_bytes() == b"newer"
    assert list(tmp_path.iterdir()) == [path]


def test_the_data_is_on_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, real=real, name=name: (calls.append(name), real(*a)))
    write_atomically(tmp_path / "file", b"data")
    assert calls == ["fsync", "replace", "fsync"]


@pytest.mark.parametrize("links", [True, False])
def test_what_was_there_gets_the_other_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    if not links:
        monkeypatch.setattr(os, "link", lambda *names: (_ for _ in ()).throw(OSError("no links on this disk")))
    path, before = tmp_path / "file", tmp_path / "before"
    # What a killed one has left.
    (tmp_path / ".before.new").write_bytes(b"left")
    for data in (b"one", b"two", b"three"):
        write_atomically(path, data, before=before)
    assert (path.read_bytes(), before.read_bytes()) == (b"three", b"two")
    assert {each.name for each in tmp_path.iterdir()} - {".before.new"} == {"file", "before"}


def test_a_file_that_gets_another_name_is_never_without_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, seen = tmp_path / "file", []
    for name in ("link", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, real=real: (real(*a), seen.append(path.read_bytes())))
    write_atomically(path, b"one")
    write_atomically(path, b"two", before=tmp_path / "before")
    assert seen == [b"one", b"one", b"one", b"two"]


def test_on_windows_a_file_that_somebody_reads_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(files, "_PAUSE", 0)
    rename, refusals = os.replace, iter((True, True, False))

    def busy(old, new):
        if next(refusals):
            raise PermissionError("somebody reads it")
        rename(old, new)

    def opens_no_folder(*args):
        raise PermissionError("a folder")

    monkeypatch.setattr(os, "replace", busy)
    monkeypatch.setattr(os, "open", opens_no_folder)
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert next(refusals, None) is None


def test_what_stays_in_use_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(old, new):
        raise PermissionError("somebody reads it")

    monkeypatch.setattr(os, "replace", busy)
    monkeypatch.setattr(files, "_PAUSE", 0)
    for platform in ("linux", "win32"):
        monkeypatch.setattr(sys, "platform", platform)
        with pytest.raises(PermissionError, match="somebody reads it"):
            write_atomically(tmp_path / "file", b"new")


READERS: dict[str, Callable[[Path], object]] = {
    "data.npz": lambda path: read_rows(str(path)),
    "data.jsonl": lambda path: read_rows(str(path)),
    "data.csv": lambda path: read_rows(str(path)),
    "data.txt": lambda path: Text(data=str(path)).resolved(),
    "archive.zip": lambda path: open_archive(path).__enter__(),
    "vocabulary.json": lambda path: Vocabulary.load(path.parent),
    "config.json": lambda path: saved_arguments(path.parent),
    "config.yaml": read_mapping,
    "metrics.jsonl": read_metrics,
    "result.json": Result.load,
    "report.json": Report.load,
    "fact": lambda path: open_folder(path.parent).read("fact"),
}
# What is read line by line.
LINES = ("data.jsonl", "data.csv")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes of this kind")
@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", READERS)
def test_a_pipe_is_said_and_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises((ValueError, OSError), match="is not a file"):
        READERS[name](tmp_path / name)
    if name.endswith(".npz"):
        assert read_block(str(tmp_path / name)) is None


@pytest.mark.parametrize("name", [name for name in READERS if name not in LINES])
def test_a_file_of_zeros_is_not_read(tmp_path: Path, name: str) -> None:
    with (tmp_path / name).open("wb") as file:
        file.truncate(1 << 33)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # The end of an archive, where its list of names is, has none.
    with pytest.raises(ValueError, match=r"expected at most [\d,]+ bytes|not a zip file"):
        READERS[name](tmp_path / name)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
