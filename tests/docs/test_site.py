"""What the documentation site is made of, without making it: `make docs` does, and checks every link."""

import ast
import re
import runpy
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

import pytest
import torch

from tests.docs.pages import ROOT, name_of, pages

SITE = ROOT / "docs" / "site"
INDEX = ROOT / "docs" / "index.md"
INVENTORY = (SITE / "torch.inv.txt").read_text(encoding="utf-8").splitlines()
# What stands in a test's folder or is about the tools alone is no documentation.
LEFT_OUT = ("tests/", "tools/", "recipes/")


def setting(name: str) -> list[str]:
    """A list of texts in the site's settings."""
    tree = ast.parse((SITE / "conf.py").read_text(encoding="utf-8"))
    (found,) = [
        node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]
    return list(ast.literal_eval(found))


def listed() -> list[Path]:
    """Every page that the index names, in order."""
    blocks = re.findall(r"^```\{toctree\}\n(.*?)^```$", INDEX.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    names = [line for block in blocks for line in block.splitlines() if line and not line.startswith(":")]
    return [
        page.resolve()
        for name in names
        for suffix in (".md", ".nb.py")
        for page in sorted(INDEX.parent.glob(f"{name}{suffix}"))
    ]


def test_every_page_stands_in_the_index_once():
    found = [name_of(page) for page in listed()]
    assert len(set(found)) == len(found)
    notebooks = (ROOT / "docs" / "notebooks").glob("*.nb.py")
    wanted = {name_of(page) for page in (*pages(), *notebooks) if not name_of(page).startswith(LEFT_OUT)}
    assert set(found) == wanted - {"docs/index.md"}


def test_every_page_of_the_index_is_read():
    read = {page for pattern in setting("include_patterns") for page in ROOT.glob(pattern)}
    assert set(listed()) | {INDEX} == read


def test_every_part_of_the_reference_has_its_page():
    texts = [page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs" / "api").glob("*.md"))]
    parts = [part for text in texts for part in re.findall(r"^\.\. exported:: neuraltape\.(\w+)$", text, re.MULTILINE)]
    assert sorted(parts) == sorted(setting("PARTS"))
    assert {"nn", "functional"} <= set(parts)


def test_the_inventory_holds_every_name_of_pytorch_that_docstrings_refer_to():
    held = {line.split()[0] for line in INVENTORY[4:]}
    sources = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "neuraltape").rglob("*.py"))]
    wanted = {name for source in sources for name in re.findall(r"(?<!`)`(torch(?:\.\w+)+)(?:\(\))?`", source)}
    assert len(wanted) > 5
    assert wanted - held == set()


@pytest.mark.parametrize("line", INVENTORY[4:])
def test_the_inventory_names_what_pytorch_has(line: str):
    name, kind, priority, place, shown = line.split(" ")
    assert attrgetter(name.removeprefix("torch."))(torch) is not None
    assert re.fullmatch(r"py:(class|function|method)", kind)
    assert re.fullmatch(r"(generated/)?[\w.]+\.html#(\$|[\w.]+)", place)
    assert (priority, shown) == ("1", "-")


def test_the_inventory_begins_as_sphinx_reads_it():
    assert INVENTORY[0] == "# Sphinx inventory version 2"
    assert "zlib" in INVENTORY[3]
    assert INVENTORY[4:] == sorted(set(INVENTORY[4:]))


@pytest.fixture
def broken() -> Callable[[Path], list[str]]:
    return runpy.run_path(str(SITE / "check.py"))["broken"]


def test_a_link_of_the_site_that_leads_nowhere_is_found(tmp_path, broken):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "index.html").write_text('<p id="here">x</p><a href="../index.html#top">up</a>')
    good = ["deep/", "deep/index.html#here", "#top", "https://example.org/x#y", "deep/index.html?x=1"]
    bad = ["gone.html", "deep/index.html#gone", "#gone", "../outside.html"]
    (tmp_path.parent / "outside.html").write_text("")
    links = "".join(f'<a href="{link}">a</a>' for link in (*good, *bad))
    (tmp_path / "index.html").write_text(f'<h1 id="top">x</h1>{links}<img src="no.png">')
    assert broken(tmp_path) == [f"index.html: {link}" for link in (*bad, "no.png")]
