"""Notebooks run from the first cell to the last and show what their texts say; `make docs` runs them in Jupyter."""

import ast
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from matplotlib.figure import Figure

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
CELL = re.compile(r"^# %%(?P<kind> \[markdown\])?$", re.MULTILINE)
NAMES = ("first_steps", "see_addressing", "own_data", "own_access")


class Cell(NamedTuple):
    """What a cell printed, and the value that it ended with."""

    printed: str
    value: Any


def cells(name: str) -> list[tuple[bool, str]]:
    """Whether each cell is text, and what is in it."""
    found = CELL.split((FOLDER / f"{name}.nb.py").read_text(encoding="utf-8"))
    assert found[0] == ""
    return [(kind is not None, body) for kind, body in zip(found[1::2], found[2::2], strict=True)]


def run(name: str, capsys: pytest.CaptureFixture[str]) -> list[Cell]:
    """Run a notebook as Jupyter does, every cell in the same scope."""
    scope: dict[str, Any] = {"__name__": "__main__"}
    shown = []
    for text, body in cells(name):
        if text:
            continue
        tree, value = ast.parse(body), None
        last = tree.body[-1]
        if isinstance(last, ast.Expr):
            tree.body.pop()
        exec(compile(tree, name, "exec"), scope)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), name, "eval"), scope)  # noqa: S307
        shown.append(Cell(capsys.readouterr().out, value))
    return shown


def test_every_notebook_begins_with_its_title_and_leads_to_the_next() -> None:
    assert {path.name.removesuffix(".nb.py") for path in FOLDER.iterdir()} == set(NAMES)
    for name, after in zip(NAMES, (*NAMES[1:], None), strict=True):
        (text, first), *_, (ends_in_text, last) = cells(name)
        assert text
        assert ends_in_text
        assert first.strip().startswith("# # ")
        assert after is None or f"({after}.nb.py)" in last


def test_first_steps_learn_and_copy_without_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    shown = run("first_steps", capsys)
    assert shown[0].value == (12, 5, 3)
    assert shown[1].value is True
    losses = [float(loss) for loss in re.findall(r"loss ([\d.]+) ", "".join(cell.printed for cell in shown))]
    # Measured: from 0.70 to 0.35.
    assert losses[-1] < 0.55 < losses[0]
    assert any(cell.printed == "0 of 8,000 bits are wrong\n" for cell in shown)
    assert shown[-1].value is True


def test_addressing_is_seen_and_can_be_broken(capsys: pytest.CaptureFixture[str]) -> None:
    shown = run("see_addressing", capsys)
    # A trace is one screen, and its replay begins as a page does.
    assert 5 < shown[0].printed.count("\n") < 40
    assert "<iframe" in shown[1].value._repr_html_()
    assert shown[3].value.diff().tolist() == [1] * 7
    assert sum(isinstance(cell.value, Figure) for cell in shown) == 4
    right, wrong = shown[6].printed.splitlines()
    assert right == "as it is: 0 of 64 bits are wrong"
    # Measured: 27.
    assert int(wrong.split()[4]) > 10


def test_own_data_is_learned_and_asked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shown = run("own_data", capsys)
    assert sum(isinstance(cell.value, Figure) for cell in shown) == 2
    # By guessing 3 in the mean sequence would be wrong. Measured: 0.0.
    assert float(shown[2].printed.split()[3]) < 1
    assert re.search(r"-> \[\d(, \d){3}\], two steps before", shown[-1].printed)


def test_an_own_access_learns_to_answer_in_reverse(capsys: pytest.CaptureFixture[str]) -> None:
    shown = run("own_access", capsys)
    assert shown[1].printed == "torch.Size([6, 2, 1]) torch.Size([2, 12, 4])\n"
    # Measured: 0.9 and more.
    assert int(shown[2].printed.split("%")[0]) > 70


def test_a_stack_gives_back_what_was_pushed_last() -> None:
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(next(body for text, body in cells("own_access") if not text), scope)
    access = scope["StackAccess"](3, depth=4, width=2)
    with torch.no_grad():
        access.interface.weight.zero_()
        access.interface.bias.copy_(torch.tensor([30.0, 0.0, 0.0, 9.0, -9.0]))
        _, one = access(torch.zeros(1, 3), access.initial_state(1))
        access.interface.bias.copy_(torch.tensor([30.0, 0.0, 0.0, -9.0, 9.0]))
        _, two = access(torch.zeros(1, 3), one)
        access.interface.bias.copy_(torch.tensor([0.0, 30.0, 0.0, 0.0, 0.0]))
        reads, _ = access(torch.zeros(1, 3), two)
    assert torch.allclose(two.reads, torch.tensor([[0.0, 1.0]]), atol=1e-3)
    assert torch.allclose(reads, torch.tensor([[1.0, 0.0]]), atol=1e-3)
