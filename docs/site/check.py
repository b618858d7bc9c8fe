"""Every link inside the built site leads to a file that is there, and to a place in it that is there.

`python docs/site/check.py FOLDER` prints what leads nowhere and ends with 1 if anything does.
"""

import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Links(HTMLParser):
    """Where a page's links lead, and the places in it that a link can name."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element's address and its name."""
        for name, value in attrs:
            if name in ("href", "src") and value is not None:
                self.links.append(value)
            elif name in ("id", "name") and value:
                self.places.add(value)


@cache
def read(page: Path) -> Links:
    """What is in a page."""
    found = Links()
    found.feed(page.read_text(encoding="utf-8"))
    return found


def broken(folder: Path) -> list[str]:
    """The links of all pages of a folder that lead nowhere inside it, each with its page."""
    wrong = []
    for page in sorted(folder.rglob("*.html")):
        for link in dict.fromkeys(read(page).links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = page if not parts.path else (page.parent / unquote(parts.path)).resolve()
            target = target / "index.html" if target.is_dir() else target
            place = unquote(parts.fragment)
            there = target.is_file() and target.is_relative_to(folder.resolve() if parts.path else folder)
            if not there or (place and target.suffix == ".html" and place not in read(target).places):
                wrong.append(f"{page.relative_to(folder)}: {link}")
    return wrong


if __name__ == "__main__":
    found = broken(Path(sys.argv[1]))
    print("\n".join(found) or "no link inside the site is broken")
    sys.exit(bool(found))
