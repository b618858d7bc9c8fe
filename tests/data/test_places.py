from pathlib import Path

import pytest

from neuraltape.data import DATASETS, DataError, cache_folder, open_archive, open_part
from neuraltape.data.folder import unpack
from tests.data.archives import BABI, make_babi, make_zip

PART = DATASETS["babi"][0]


@pytest.fixture(autouse=True)
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def read_all(place: Path | None) -> dict[str, bytes]:
    with open_part(PART, place) as files:
        return {name: files.read(name) for name in files.names}


def test_a_part_is_found_however_it_is_kept(tmp_path: Path) -> None:
    archive = make_babi(tmp_path)
    with open_archive(archive) as files:
        unpack(files, tmp_path / "data")
    folder = tmp_path / "data"
    (folder / "tasks_1-20_v1-2").rename(folder / PART.name)
    renamed = make_zip(tmp_path / "mine.zip", BABI)
    bare = (folder / PART.name).rename(tmp_path / "mine")
    for place in (archive, tmp_path, renamed, bare):
        assert read_all(place) == BABI
    bare.rename(folder / PART.name)
    for place in (folder, folder / PART.name):
        assert read_all(place) == BABI


def test_the_cache_is_where_it_is_looked_for_by_default(tmp_path: Path) -> None:
    cache = cache_folder("babi")
    assert tmp_path in cache.parents
    with pytest.raises(DataError, match="tasks_1-20_v1-2 is not there; get it with: neuraltape data get babi"):
        read_all(None)
    with open_archive(make_babi(tmp_path)) as files:
        unpack(files.below(PART.name, PART.pattern), cache / PART.name)
    assert read_all(None) == BABI


def test_a_place_that_is_not_there_and_a_wrong_one_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: there is no such file or folder"):
        read_all(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"expected a folder or archive tasks_1-20_v1-2 in it, and found none"):
        read_all(tmp_path)
    other = make_zip(tmp_path / "other.zip", {"images_background/Greek/character01/a.png": b""})
    with pytest.raises(DataError, match=r"other\.zip: expected files such as tasks_1-20_v1-2/\*/qa\*_\*\.txt"):
        read_all(other)


def test_one_part_is_not_taken_for_another(tmp_path: Path) -> None:
    background, evaluation = DATASETS["omniglot"]
    letter = {"Greek/character01/0001_01.png": b"!"}
    folder = tmp_path / background.name
    (folder / "Greek" / "character01").mkdir(parents=True)
    (folder / next(iter(letter))).write_bytes(b"!")
    with open_part(background, folder) as files:
        assert files.names == tuple(letter)
    with (
        pytest.raises(DataError, match="expected a folder or archive images_evaluation"),
        open_part(evaluation, folder),
    ):
        pass
    archive = make_zip(tmp_path / "x.zip", {f"{background.name}/{name}": content for name, content in letter.items()})
    with pytest.raises(DataError, match="expected files such as images_evaluation/"), open_part(evaluation, archive):
        pass


def test_the_archives_beside_the_repository_can_be_read(shared_data: Path) -> None:
    with open_part(PART, shared_data) as files:
        # Two files for each task in two sizes; one is missing.
        assert len(files.names) == 2 * 20 * 2 - 1
        assert files.text("en/qa1_single-supporting-fact_train.txt").startswith("1 Mary moved to the bathroom.\n")
    with open_part(DATASETS["omniglot"][0], shared_data) as files:
        assert len(files.names) == 19_280
        assert files.read(files.names[0]).startswith(b"\x89PNG")
