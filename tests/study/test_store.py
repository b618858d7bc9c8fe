from pathlib import Path

import pytest

from neuraltape.runs.directory import RunDirectory
from neuraltape.runs.metrics import read_metrics
from neuraltape.study.store import Store, step_of
from neuraltape.training import train
from tests.study.tiny import config_of, tiny_trials


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 30 steps."""
    path = tmp_path_factory.mktemp("run")
    train(config_of(tiny_trials()[0]), run_dir=path, progress=False)
    return path


def files_of(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_what_is_written_is_read(store: Store) -> None:
    assert store.read("a/b") is None
    store.write("a/b", b"0123456789")
    assert store.read("a/b") == b"0123456789"
    assert store.read("a/b", start=2, end=4) == b"23"
    assert store.read("a/b", start=-3) == b"789"
    assert store.read("a/b/c") is None
    assert store.path("a/b").startswith(store.url)


def test_a_run_directory_comes_back_as_it_went(store: Store, run_dir: Path, tmp_path: Path) -> None:
    store.pull("trial", tmp_path / "back")
    assert not (tmp_path / "back").exists()
    assert store.step("trial") is None
    store.push(run_dir, "trial", {})
    store.pull("trial", tmp_path / "back")
    assert files_of(tmp_path / "back") == files_of(run_dir)
    assert store.step("trial") == 30


def test_only_what_has_changed_is_copied_again(store: Store, run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = store.push(run_dir, "trial", {})
    written: list[str] = []
    monkeypatch.setattr(store, "write", lambda name, data: written.append(name))
    assert store.push(run_dir, "trial", known) == known
    assert written == []
    RunDirectory(run_dir).metrics.touch()
    store.push(run_dir, "trial", known)
    assert written == ["trial/metrics.jsonl"]


def test_the_checkpoint_comes_last(store: Store, run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(store, "write", lambda name, data: written.append(name))
    store.push(run_dir, "trial", {})
    assert len(written) == 6
    assert written[-1] == "trial/checkpoint/state.safetensors"


def test_lines_that_no_checkpoint_stands_behind_do_not_come_back(store: Store, run_dir: Path, tmp_path: Path) -> None:
    for name in ("config.yaml", "metrics.jsonl"):
        store.write(f"trial/{name}", (run_dir / name).read_bytes())
    store.pull("trial", tmp_path / "back")
    assert files_of(tmp_path / "back").keys() == {"config.yaml"}


def test_a_copy_that_is_further_on_stays(store: Store, run_dir: Path, tmp_path: Path) -> None:
    longer = config_of(tiny_trials(base={"max_sequences": 640})[0])
    train(longer, run_dir=tmp_path / "longer", progress=False)
    store.push(tmp_path / "longer", "trial", {})
    store.push(run_dir, "trial", {})
    assert store.step("trial") == 40
    store.pull("trial", tmp_path / "back")
    assert read_metrics(tmp_path / "back" / "metrics.jsonl").lines[-1]["step"] == 40


def test_what_is_no_checkpoint_has_no_step() -> None:
    assert step_of(b"") is None
    assert step_of((2).to_bytes(8, "little") + b"{}") is None


def test_a_url_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="nowhere://x cannot be opened: Protocol not known: nowhere"):
        Store("nowhere://x")


def test_a_folder_is_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store("runs/x")
    assert store.local == tmp_path / "runs" / "x"
    assert store.url == str(tmp_path / "runs" / "x")


def test_a_url_with_a_slash_too_few_is_no_folder() -> None:
    for url in ("s3:/x", "gs:x", "file:/tmp"):
        with pytest.raises(ValueError, match="must be a folder, or a URL such as s3://bucket/folder; got"):
            Store(url)
