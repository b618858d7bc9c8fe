import os
import shutil
from pathlib import Path

import numba
import pytest

from neuraltape.kernels import cpu
from neuraltape.kernels.cpu.lib import cache


@pytest.fixture
def folder():
    cache.cache_folder.cache_clear()
    yield cache.cache_folder
    cache.cache_folder.cache_clear()


def test_the_named_cache_folder_is_used(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "named"))
    assert folder() == str(tmp_path / "named" / f"numba-{numba.__version__}")


def test_a_folder_that_cannot_be_written_is_passed_over(folder, monkeypatch, tmp_path):
    a_file = tmp_path / "file"
    a_file.touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(a_file / "below"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    assert Path(folder()) == tmp_path / "user" / "neuraltape" / f"numba-{numba.__version__}"


def test_without_any_folder_a_temporary_one_is_made(folder, monkeypatch, tmp_path):
    a_file = tmp_path / "file"
    a_file.touch()
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(a_file))
    made = folder()
    assert os.path.isdir(made)
    os.rmdir(made)


def test_another_version_of_numba_has_a_folder_of_its_own(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    mine = folder()
    cache.cache_folder.cache_clear()
    monkeypatch.setattr(numba, "__version__", "0.0.1")
    assert folder() != mine
    assert Path(folder()).parent == Path(mine).parent


@pytest.mark.parametrize("part", ["__init__.py", "lib/simd.py", "engine/forward.py", "ntm/heads.py", "lrua/step.py"])
def test_every_source_keys_the_cache(monkeypatch, tmp_path, part):
    shutil.copytree(cpu.__path__[0], tmp_path / "cpu", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cpu, "__path__", [str(tmp_path / "cpu")])
    cache.source_stamp.cache_clear()
    before = cache.source_stamp()
    changed = tmp_path / "cpu" / part
    changed.write_text(changed.read_text() + "# changed")
    cache.source_stamp.cache_clear()
    assert cache.source_stamp() != before
    cache.source_stamp.cache_clear()
