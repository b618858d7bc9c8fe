"""Every command with odd options, values and words: one line where it is refused, and nothing written before."""

import io
import re
from contextlib import redirect_stdout
from functools import cache

from neuraltape.cli.main import COMMANDS, main
from tests.cli.conftest import TINY
from tests.fuzz.conftest import SMALL, Try
from tests.fuzz.odd import WORDS, Watch

# What a call begins with that would be fine.
GOOD = {
    "train": ("copy", *TINY, "--name", "new"),
    "resume": ("tiny",),
    "sweep": ("copy", "--set", "learning_rate=1e-3"),
    "reproduce": ("copy",),
    "evaluate": ("tiny", "--lengths", "2", "--sequences", "2"),
    "plot": ("tiny", "--lengths", "2", "--sequences", "2"),
    "trace": ("tiny", "--output", "trace.safetensors"),
    "animate": ("tiny", "--length", "1", "--output", "tape.gif"),
    "explore": ("tiny",),
    "predict": ("tiny", "file", "--output", "x.npz"),
    "generate": ("tiny", "--prompt", "file", "--steps", "2", "--output", "x.npz"),
    "tasks": (),
    "data": ("list",),
    "questions": ("joint",),
    "ask": ("questions/joint",),
}
# And other ones.
ALSO = {
    "train": (("--data", "good.csv", *SMALL, "--name", "new"), ("--data", "good.txt", *SMALL, "--name", "new")),
    "resume": (("next",), ("text",)),
    "sweep": (("sequences", "--set", "data=good.jsonl", "learning_rate=1e-3,2e-3"),),
    "reproduce": (("--report-only", "--results", "new"),),
    "evaluate": (("next", "--data", "good.npz", "--output", "new"), ("text",), ("classes", "--last")),
    "plot": (("next", "--data", "good.npz", "--output", "new"), ("text",), ("underground", "--output", "new")),
    "trace": (("next", "--output", "trace.safetensors"), ("underground", "--output", "trace.safetensors")),
    "animate": (("text", "--output", "tape.gif"),),
    "predict": (("next", "good.npz", "--output", "x.npz"), ("text", "good.txt", "--output", "x.csv")),
    "generate": (
        ("next", "--prompt", "good.jsonl", "--steps", "2", "--output", "x.npz"),
        ("text", "--prompt", "to be", "--steps", "2"),
    ),
    "ask": (("underground",),),
}


@cache
def options_of(command: str) -> list[str]:
    found: set[str] = set()
    for words in (("copy",), ("--data", "good.csv"), ("--data", "good.txt")) if command == "train" else ((),):
        with redirect_stdout(io.StringIO()) as said:
            main([command, *words, "--help"])
        found.update(re.findall(r"--[a-z][\w-]*", said.getvalue()))
    return sorted(found)


def test_no_call_ends_in_a_traceback_or_writes_before_it_is_refused(attempt: Try) -> None:
    assert set(GOOD) == set(COMMANDS)
    watch = Watch("commands", 2000)
    for chance in watch.draws():
        command = chance.choice(list(COMMANDS))
        words = list(chance.choice((GOOD[command], *ALSO.get(command, ())))) if chance.random() < 0.9 else []
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
            option, value = chance.choice(options_of(command) or ["--help"]), chance.choice(WORDS)
            words += chance.choice(([option, value], [f"{option}={value}"], [option], [value], [option, value, value]))
        if words and chance.random() < 0.1:
            words[chance.randrange(len(words))] = chance.choice(WORDS)
        attempt(watch, command, *words)
    watch.end()
