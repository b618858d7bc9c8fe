"""Every `neuraltape ...` line in the project's pages is one that the program takes; so is every one of the Makefile."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from neuraltape.cli.main import COMMANDS
from neuraltape.cli.main import main as run_command
from neuraltape.cli.parser import Parser
from tests.docs.pages import FENCE, ROOT, name_of, pages

# What a page writes where the reader puts something of their own; the words of a usage line are in brackets.
STANDS_FOR = {
    "TASK": "copy",
    "RECIPE": "copy",
    "RUN": "runs/copy",
    "NAME": "copy",
    "SPEC": "copy",
}
# A log keeps its settings as they were named when it was written.
LOGS = "docs/log/"
SOURCES = [*(page for page in pages() if not name_of(page).startswith(LOGS)), ROOT / "Makefile"]


class Taken(BaseException):
    """The parser has read a line to its end; nothing after it may run."""


def commands(text: str) -> list[list[str]]:
    """The words of every command in a text: each line of a block of code, each span of code, each recipe line."""
    found = []
    for block in [*FENCE.findall(text), *re.findall(r"^\t.*$", text, re.MULTILINE)]:
        for line in re.sub(r"\\\n\s*", " ", block).splitlines():
            found += words_of(line)
    for span in re.findall(r"`([^`]+)`", FENCE.sub("", text)):
        # A command's name alone, in running text, is no line to type.
        found += [words for words in words_of(" ".join(span.split())) if len(words) > 1]
    return found


def words_of(line: str) -> list[list[str]]:
    """The words after `neuraltape` in one line, none if it isn't a command, several for `a; b`."""
    start = re.match(r"\s*(?:\$ |[\w$()./ -]*?/|(?:\w+=\S+ )*|torchrun .*-m )neuraltape (\w+.*)", line)
    if start is None or start[1].split()[0] not in COMMANDS:
        return []
    lexer = shlex.shlex(start[1], posix=True, punctuation_chars=";|&><")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set(";|&><"):
            break
        words.append(word)
    return [words]


def filled(word: str) -> str:
    """A word with something that exists for each of its placeholders."""
    return re.sub(r"[A-Z]{2,}", lambda name: STANDS_FOR.get(name[0], name[0]), word)


@pytest.fixture
def refusal(monkeypatch, capsys):
    """Has the program read the words of a line and stop before it does anything; gives what it says against them."""
    read = Parser.parse

    def stop(self: Parser, argv: Sequence[str]) -> None:
        read(self, argv)
        raise Taken

    def try_out(words: Sequence[str]) -> str:
        # With --help the program would stop before it looks at the rest.
        try:
            run_command([filled(word) for word in words if word != "--help"])
        except Taken:
            return ""
        return capsys.readouterr().err or "it has not reached the parser's end"

    monkeypatch.setattr(Parser, "parse", stop)
    monkeypatch.chdir(ROOT)
    return try_out


@pytest.mark.parametrize("page", SOURCES, ids=name_of)
def test_every_command_of_a_page_is_taken(page: Path, refusal):
    lines = commands(page.read_text(encoding="utf-8"))
    wrong = {line: said for line in dict.fromkeys(map(shlex.join, lines)) if (said := refusal(shlex.split(line)))}
    assert wrong == {}


def test_every_flag_of_the_guide_is_one_of_train(refusal):
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    flags = [flag for flag in re.findall(r"`(--[^`]+)`", text) if not flag.startswith(("--config", "--model"))]
    assert len(flags) > 10
    # Named without a value, a flag is given one.
    assert (
        refusal(["train", "copy", *(word for flag in flags for word in [*flag.split(), "20"][: 2 * flag.count("--")])])
        == ""
    )


def test_the_pages_have_commands():
    count = {name_of(page): len(commands(page.read_text(encoding="utf-8"))) for page in SOURCES}
    assert count["README.md"] >= 5
    assert count["docs/usage.md"] >= 12
    assert count["docs/training.md"] >= 5
    assert count["Makefile"] == 4
    assert count["docs/scaling.md"] >= 3


def test_a_command_that_the_program_refuses_is_found(refusal):
    assert "--gate-biass" in refusal(["train", "copy", "--gate-biass", "1"])
    assert "nothing" in refusal(["train", "nothing"])


def test_commands_are_found_where_pages_write_them():
    text = """
```sh
neuraltape train copy --name a   # a comment
torchrun --nproc-per-node 2 -m neuraltape train copy \\
    --seed 1
FOO=1 neuraltape plot a > log
neuraltape is a library
```
In words: `neuraltape evaluate
a --lengths 5`, and `neuraltape.nn`.
"""
    assert commands(text) == [
        ["train", "copy", "--name", "a"],
        ["train", "copy", "--seed", "1"],
        ["plot", "a"],
        ["evaluate", "a", "--lengths", "5"],
    ]
