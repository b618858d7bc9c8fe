from pathlib import Path

import pytest

from neuraltape.data import DataError, open_folder
from neuraltape.data.files import Files


def named(*names: str) -> Files:
    return Files(Path("x.zip"), names, lambda name: name.encode())


def test_matching_looks_at_whole_names() -> None:
    files = named("en/qa1_a_train.txt", "en/qa10_b_train.txt", "en-10k/qa1_a_train.txt", "deep/en/qa1_a_train.txt")
    assert files.matching("en/qa1_*_train.txt").names == ("en/qa1_a_train.txt",)


def test_below_finds_the_folder_at_any_depth_and_names_from_there() -> None:
    files = named("x/part/en/qa1_a.txt", "x/part/readme.txt", "x/other/en/qa2_b.txt").below("part", "*/qa*_*.txt")
    assert files.names == ("en/qa1_a.txt",)
    assert files.read("en/qa1_a.txt") == b"x/part/en/qa1_a.txt"


def test_below_takes_bare_files_where_the_folder_is_not_there() -> None:
    assert named("en/qa1_a.txt", "en/readme").below("part", "*/qa*_*.txt").names == ("en/qa1_a.txt",)


def test_below_leaves_out_what_programs_add() -> None:
    files = named("__MACOSX/part/en/qa1_a.txt", "part/en/._qa1_a.txt", "part/.git/qa1_a.txt")
    assert files.below("part", "*/*_*.txt").names == ()


def test_text_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"fine \xff not")
    with pytest.raises(DataError, match=r"a\.txt is not text in UTF-8 \(invalid start byte at 5\)"):
        open_folder(tmp_path).text("a.txt")
