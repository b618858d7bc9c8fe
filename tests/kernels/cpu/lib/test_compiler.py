import os
from pathlib import Path

import pytest

from neuraltape.kernels.cpu.lib import compiler


@pytest.fixture
def folder():
    compiler.cache_folder.cache_clear()
    yield compiler.cache_folder
    compiler.cache_folder.cache_clear()


def test_the_named_cache_folder_is_used(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "named"))
    assert folder() == str(tmp_path / "named")


def test_a_folder_that_cannot_be_written_is_passed_over(folder, monkeypatch, tmp_path):
    a_file = tmp_path / "file"
    a_file.touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(a_file / "below"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    assert Path(folder()) == tmp_path / "user" / "neuraltape"


def test_without_any_folder_a_temporary_one_is_made(folder, monkeypatch, tmp_path):
    a_file = tmp_path / "file"
    a_file.touch()
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(a_file))
    made = folder()
    assert os.path.isdir(made)
    os.rmdir(made)
