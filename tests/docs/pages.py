"""What the tests of the words share: the project's pages, and what is in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "neuraltape", "recipes", "results", "benchmarks", "tests", "tools")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Every Markdown page of the project."""
    return [
        *sorted(ROOT.glob("*.md")),
        *(page for folder in FOLDERS for page in sorted(ROOT.glob(f"{folder}/**/*.md"))),
    ]


def name_of(page: Path) -> str:
    """A page as tests and their messages name it."""
    return page.relative_to(ROOT).as_posix()


def prose(text: str) -> str:
    """A page's text without its blocks of code."""
    return FENCE.sub("", text)


def anchors(text: str) -> set[str]:
    """What a link can point at in a page: its headings, as the usual renderers of Markdown name them."""
    found: dict[str, int] = {}
    for heading in re.findall(r"^#{1,6} +(.+?) *$", prose(text), re.MULTILINE):
        shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        count = found[slug] = found.get(slug, -1) + 1
        if count:
            found[f"{slug}-{count}"] = 0
    return set(found)


def links(text: str) -> list[str]:
    """Where a page's links and pictures point."""
    plain = re.sub(r"`[^`]*`", "", prose(text))
    return re.findall(r"\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)", plain) + re.findall(r"(?:src|href)=\"([^\"]+)\"", plain)
