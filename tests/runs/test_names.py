"""The names of a run's files are spelled in `runs/` alone, those of a saved model in `nn/pretrained.py`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from neuraltape.nn.pretrained import CONFIG, WEIGHTS
from neuraltape.runs import directory

ROOT = Path(__file__).resolve().parents[2]
MODEL = {CONFIG, WEIGHTS}
RUN = {*directory.ENTRIES, directory.STATE, directory.LOCK, directory.TORCHRUN, directory.NEW_MODEL}
# Words that mean other things too: they count as names where they are part of a path.
WORDS = {name for name in RUN if "." not in name}
SOURCES = sorted(path for folder in ("neuraltape", "tools") for path in (ROOT / folder).rglob("*.py"))


def spelled(tree: ast.AST) -> Iterator[str]:
    """The names of files that a source spells: a text that is one or ends in one, or a word after a slash."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value.rpartition("/")[2]
            if name in (RUN | MODEL) - WORDS:
                yield name
        part = node.right if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) else None
        if isinstance(part, ast.Constant) and part.value in WORDS:
            yield str(part.value)


@pytest.mark.parametrize(
    "source",
    [
        'a / "config.yaml"',
        'glob("*/metrics.jsonl")',
        'a / "model"',
        'f(x / "checkpoint")',
        'f"{x}/config.json"',
    ],
)
def test_a_spelled_name_is_found(source: str) -> None:
    assert len(list(spelled(ast.parse(source)))) == 1


def test_names_are_spelled_in_one_place() -> None:
    assert len(SOURCES) > 100
    wrong = []
    for path in SOURCES:
        place = path.relative_to(ROOT).as_posix()
        # A saved model is found in a run's folder too, by `from_pretrained`.
        allowed = MODEL | {directory.MODEL} if place == "neuraltape/nn/pretrained.py" else set()
        allowed |= RUN if place.startswith("neuraltape/runs/") else set()
        found = set(spelled(ast.parse(path.read_text(encoding="utf-8")))) - allowed
        wrong += [f"{place} spells {name}" for name in sorted(found)]
    assert not wrong, "\n".join(wrong)
