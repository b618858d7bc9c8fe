"""A link in the project's pages leads somewhere: the file is there, and so is the heading."""

from pathlib import Path

import pytest

from tests.docs.pages import anchors, links, name_of, pages


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    text = page.read_text(encoding="utf-8")
    wrong = []
    for link in links(text):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        file, _, anchor = link.partition("#")
        target = page if not file else page.parent / file
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_no_link_is_broken(page):
    assert broken(page) == []


def test_the_pages_are_found_and_have_links():
    assert {"README.md", "docs/training.md", "results/README.md"} <= {name_of(page) for page in pages()}
    assert sum(len(links(page.read_text(encoding="utf-8"))) for page in pages()) > 50


def test_a_broken_link_is_found(tmp_path):
    (tmp_path / "other.md").write_text("# Here, `there` & *everywhere*\n\n## Twice\n\n## Twice\n")
    page = tmp_path / "page.md"
    good = ["other.md", "other.md#here-there--everywhere", "other.md#twice-1", "#mine", "https://example.org/x"]
    bad = ["gone.md", "other.md#twice-2", "#not-mine", "other.md#Twice"]
    quoted = "`[code](no-link.md)`\n\n```\n[block](no-link.md)\n# no heading\n```\n"
    page.write_text("# Mine\n\n" + "\n".join(f"[a]({link})" for link in good + bad) + "\n\n" + quoted)
    assert broken(page) == bad
