import os
import shutil
from pathlib import Path
from types import SimpleNamespace

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


@pytest.fixture
def sources(monkeypatch, tmp_path):
    """A copy of the sources, as if this process had imported them from there."""
    shutil.copytree(cpu.__path__[0], tmp_path / "cpu", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cpu, "__path__", [str(tmp_path / "cpu")])
    monkeypatch.setattr(cache, "_IMPORTED", cache._digests())
    yield tmp_path / "cpu"
    cache.source_stamp.cache_clear()


def stamp() -> str:
    cache.source_stamp.cache_clear()
    return cache.source_stamp()


@pytest.mark.parametrize("part", ["__init__.py", "lib/simd.py", "engine/forward.py", "ntm/heads.py", "lrua/step.py"])
def test_every_source_keys_the_cache(monkeypatch, sources, part):
    before = stamp()
    assert stamp() == before
    changed = sources / part
    changed.write_text(changed.read_text() + "# changed")
    monkeypatch.setattr(cache, "_IMPORTED", cache._digests())
    assert stamp() != before
    assert stamp() == stamp()


def test_a_process_whose_sources_have_changed_shares_no_kernels(sources):
    """It would run the new ones with the old ones' callers, and leave the old ones for others under the new name."""
    changed = sources / "lib" / "simd.py"
    changed.write_text(changed.read_text() + "# changed")
    assert stamp() != stamp()


def test_an_access_that_is_added_keys_the_cache_and_is_no_change(monkeypatch, sources, tmp_path):
    before = stamp()
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "step.py").write_text("# new")
    monkeypatch.setattr(cpu, "__path__", [str(sources), str(tmp_path / "more")])
    assert stamp() == stamp() != before


def test_what_numba_cannot_keep_is_a_warning_and_no_error():
    result = SimpleNamespace(
        lifted=(), library=SimpleNamespace(has_dynamic_globals=True), fndesc=SimpleNamespace(qualname="step")
    )
    with pytest.warns(numba.NumbaWarning, match="Cannot cache compiled function .step. as it uses dynamic globals"):
        assert cache._Implementation(stamp).check_cachable(result) is False
