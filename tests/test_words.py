"""What docstrings and comments say stands alone: sentences, or noun phrases; no fragments such as "Of the run."."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "neuraltape").rglob("*.py"))
# Words that hang on something said elsewhere, unless a sentence with a verb follows.
HANGS = re.compile(r"(Of|By|In|At|As(?! (?:much|many|long)\b)|With|Without|Under|Over|Until|To|Against)\b")
VERB = re.compile(
    r"\b(is|are|was|were|be|has|have|had|does|do|did|can|cannot|may|must|would|need|needs|come|comes|take|takes|give|gives|make|makes"
    r"|stand|stands|lie|lies|read|reads|write|writes|go|goes|cost|costs|keep|keeps|get|gets|know|knows|hold|holds|isn't|aren't|doesn't)\b"
)


def fragments(source: str) -> list[tuple[int, str]]:
    """Lines of a source and what they say, where that is a fragment."""
    return [(line, text) for line, text in (*docstrings(source), *comments(source)) if is_fragment(text)]


def is_fragment(text: str) -> bool:
    """Whether the first sentence of a text begins in the air and has no verb."""
    first = re.split(r"[.:;](?=\s|$)", " ".join(text.split()))[0]
    return HANGS.match(first) is not None and VERB.search(first) is None


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Every text that stands alone as a statement: of modules, classes, functions and fields."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value.strip()


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Every comment that has its own lines, those that follow each other as one."""
    tokens = [
        token for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type == tokenize.COMMENT
    ]
    alone = [token for token in tokens if token.line.strip().startswith("#")]
    texts: dict[int, tuple[int, str]] = {}
    for token in alone:
        line, text = token.start[0], token.string.lstrip("# ")
        start, before = texts.pop(line - 1, (line, ""))
        texts[line] = start, f"{before} {text}".strip()
    yield from texts.values()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_docstring_or_comment_is_a_fragment(path: Path) -> None:
    found = fragments(path.read_text(encoding="utf-8"))
    assert not found, "; ".join(f"line {line}: {text!r}" for line, text in found)


def test_a_fragment_is_found() -> None:
    source = '''
class Run:
    """A run."""

    seed: int
    """Of the run."""
    results: dict
    """By name; a run that failed
    has none."""
    bits: float
    """In training each is the mean of all."""
    # Of each precision: bits.
    # More is known.
    x: int  # Of nothing
'''
    assert [line for line, _ in fragments(source)] == [6, 8, 12]


def test_the_sources_are_found() -> None:
    assert len(SOURCES) > 100
