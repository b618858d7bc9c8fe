"""The README is what it should be: a page, whose code runs, with a command behind each figure."""

import re

import pytest

from tests.docs.pages import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["README.md", "docs/usage.md"])
def test_the_code_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        names = {}
        exec(compile(block, page, "exec"), names)
        assert tuple(names["output"].shape) == (41, 16, 8)


def test_the_code_for_users_of_torch_lstm_runs():
    page = (ROOT / "docs/from-lstm.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    names = {}
    exec(compile(block, "docs/from-lstm.md", "exec"), names)
    assert tuple(names["output"].shape) == (20, 4, 64)
    assert tuple(names["memory"].shape) == (4, 128, 20)
    assert all(each.isfinite().all() for each in names["large"].parameters())


def test_the_first_screen_is_one():
    first, _, _ = README.partition("\n## ")
    # Rules of a table are no words.
    assert len(re.sub(r"[|-]{3,}", "", first).split()) < 450
    order = ["![", "pip install neuraltape", "```python", "| made by | here | published |", "make demo", "make test"]
    places = [first.index(each) for each in order]
    assert places == sorted(places)


def test_every_row_of_the_results_has_its_command():
    rows = re.findall(r"^\| (.+?) \| .+ \| .+ \|$", README, re.MULTILINE)[1:]
    assert len(rows) > 5
    assert all(re.match(r"`neuraltape (reproduce|questions|train) ", row) for row in rows if set(row) != {"-"})


def test_the_tree_names_every_part():
    tree = README.partition("## What is where")[2]
    inside = {each.name for each in (ROOT / "neuraltape").iterdir() if each.is_dir() and each.name[0] not in "._"}
    assert set(re.findall(r"^  (\w+)/", tree, re.MULTILINE)) == inside
    assert all((ROOT / name).is_dir() for name in re.findall(r"^(\w+)/", tree, re.MULTILINE))
