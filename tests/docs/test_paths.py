"""A file that a page, or a comment in the code, speaks of is there."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, name_of, pages

FOLDERS = ("benchmarks", "docs", "neuraltape", "recipes", "results", "tests", "tools")
# A file or folder from the repository's root, as it is written in running text: recipes/copy.yaml, `neuraltape/nn/`.
PATH = re.compile(rf"(?<![\w./-])((?:{'|'.join(FOLDERS)})/(?:[\w./*-]*\.\w+|(?:[\w.*-]+/)+))")
# What stands for any name: NAME and TASK, and the N of a number.
ANY = re.compile(r"[A-Z]{4,}(?![A-Z]*\.md)|(?<=-)N(?=\.)")
# What was is told of under the names that it had.
TELLING = ("CHANGELOG.md", "docs/log/", "results/")
SOURCES = [
    *(page for page in pages() if not name_of(page).startswith(TELLING)),
    *(path for name in FOLDERS if name != "tests" for path in sorted(ROOT.glob(f"{name}/**/*.py"))),
    *(ROOT / name for name in ("Makefile", "constraints.txt")),
]


def missing(text: str) -> list[str]:
    """The paths in a text that are nowhere."""
    plain = re.sub(r"https?://\S+", "", text)
    return sorted({path for path in PATH.findall(plain) if not there(path)})


def there(path: str) -> bool:
    """Whether a file or folder of that name exists."""
    return any(ROOT.glob(ANY.sub("*", path.rstrip("/"))))


@pytest.mark.parametrize("source", SOURCES, ids=name_of)
def test_every_file_that_is_named_exists(source: Path):
    assert missing(source.read_text(encoding="utf-8")) == []


def test_what_is_not_there_is_found():
    text = "`neuraltape/nn/gone.py`, tests/gone/, recipes/NAME.yaml, docs/README.md, `results/TASK/NAME-seed-N.json`."
    assert missing(text) == ["docs/README.md", "neuraltape/nn/gone.py", "tests/gone/"]
    assert missing("https://example.org/docs/x.md, the folder docs/, either/docs/x.md") == []
