import shutil
from pathlib import Path

import pytest

from neuraltape.runs import RunExistsError
from neuraltape.runs.directory import ENTRIES, RunDirectory, runs_in


def make_run(path: Path) -> None:
    directory = RunDirectory(path)
    directory.create(overwrite=False)
    directory.config.write_text("format: 2\ntask: {name: copy}\n")
    for folder in (directory.checkpoint.parent, directory.model, directory.figures):
        folder.mkdir()
        (folder / "file").write_text("old")
    directory.metrics.write_text("old")
    directory.release()


def test_a_new_or_empty_folder_is_taken(tmp_path: Path) -> None:
    for path in (tmp_path / "a" / "b", tmp_path / "empty"):
        if path.name == "empty":
            path.mkdir()
        directory = RunDirectory(path)
        directory.create(overwrite=False)
        assert path.is_dir()
        assert not directory.holds_run()
        directory.release()


def test_another_run_is_not_overwritten_unasked(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    with pytest.raises(RunExistsError, match="holds a run already"):
        RunDirectory(tmp_path / "run").create(overwrite=False)
    assert (tmp_path / "run" / "metrics.jsonl").read_text() == "old"


def test_overwriting_removes_the_run_and_nothing_else(tmp_path: Path) -> None:
    make_run(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    directory = RunDirectory(tmp_path)
    directory.create(overwrite=True)
    assert not any((tmp_path / name).exists() for name in ENTRIES)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    directory.release()


def test_files_of_another_kind_are_never_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(RunExistsError, match=r"thesis\.tex"):
        RunDirectory(tmp_path).create(overwrite=True)
    assert (tmp_path / "thesis.tex").exists()


def test_a_link_is_removed_and_not_what_it_points_to(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("mine")
    (tmp_path / "run" / "tensorboard").symlink_to(tmp_path / "elsewhere")
    directory = RunDirectory(tmp_path / "run")
    directory.create(overwrite=True)
    directory.release()
    assert (tmp_path / "elsewhere" / "file").exists()
    assert not (tmp_path / "run" / "tensorboard").is_symlink()


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_run_in_use_is_never_taken(tmp_path: Path, overwrite: bool) -> None:
    make_run(tmp_path)
    holder = RunDirectory(tmp_path)
    holder.lock()
    with pytest.raises(RunExistsError, match="in use"):
        RunDirectory(tmp_path).create(overwrite=overwrite)
    with pytest.raises(RunExistsError, match="in use"):
        RunDirectory(tmp_path).lock()
    assert holder.holds_run()
    holder.release()
    holder.lock()
    holder.release()


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(RunExistsError, match="is a file"):
        RunDirectory(tmp_path / "run").create(overwrite=True)


def test_the_runs_in_a_folder_are_found(tmp_path: Path) -> None:
    for name in ("b", "a"):
        make_run(tmp_path / name)
    (tmp_path / "c").mkdir()
    assert [each.path.name for each in runs_in(tmp_path)] == ["a", "b"]
    assert list(runs_in(tmp_path / "nowhere")) == []


def test_a_folder_that_was_removed_or_made_anew_is_not_written_to(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    directory = RunDirectory(tmp_path / "run")
    directory.lock()
    directory.check_kept()
    shutil.move(tmp_path / "run", tmp_path / "moved")
    with pytest.raises(FileNotFoundError, match="run was removed while this training ran"):
        directory.check_kept()
    # Another training takes the name.
    make_run(tmp_path / "run")
    other = RunDirectory(tmp_path / "run")
    other.lock()
    other.check_kept()
    with pytest.raises(FileNotFoundError, match="was removed"):
        directory.check_kept()
    other.release()
    directory.release()


def test_nothing_is_left_in_a_folder_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(RunExistsError, match=r"holds files that are not a run's \(thesis\.tex\)"):
            RunDirectory(tmp_path).create(overwrite=overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
