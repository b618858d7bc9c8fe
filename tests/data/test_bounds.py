from pathlib import Path, PurePosixPath

import pytest

from neuraltape.data.bounds import MOST_BYTES, MOST_FILES, check_name, check_sizes
from neuraltape.data.errors import DataError

ARCHIVE = Path("x.zip")


def test_a_plain_name_is_tidied() -> None:
    assert check_name("./a//b.txt", ARCHIVE) == PurePosixPath("a/b.txt")


@pytest.mark.parametrize("name", ["", "/", "a/..", "/a", "a\\b", "a:b", "a\0b"])
def test_a_name_that_could_point_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="refused, a file in it is called"):
        check_name(name, ARCHIVE)


def test_sizes_are_bounded_together() -> None:
    check_sizes([MOST_BYTES // 2] * 2, ARCHIVE)
    with pytest.raises(DataError, match="unpacks to more than"):
        check_sizes([MOST_BYTES // 2] * 3, ARCHIVE)
    with pytest.raises(DataError, match="unpacks to more than"):
        check_sizes([-1], ARCHIVE)


def test_files_are_counted() -> None:
    check_sizes([0] * MOST_FILES, ARCHIVE)
    with pytest.raises(DataError, match="more than 200,000 files"):
        check_sizes([0] * (MOST_FILES + 1), ARCHIVE)
