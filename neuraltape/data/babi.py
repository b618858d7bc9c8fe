"""Reads the bAbI questions (Weston et al. 2015, arXiv 1502.05698, version 1.2): stories with questions in between.

A line is `ID sentence`, or `ID question<TAB>answer<TAB>IDs of the facts that it follows from`. ID 1 begins a new story;
questions have IDs of their own.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from neuraltape.data.contents import contents_of_files
from neuraltape.data.errors import DataError
from neuraltape.data.files import Files
from neuraltape.data.parts import DATASETS
from neuraltape.data.places import open_part

TASKS = 20
SIZES = ("en", "en-10k")
SPLITS = ("train", "test")

_WORD = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*")


@dataclass(frozen=True)
class Question:
    """A question and everything that was said before it in its story."""

    facts: tuple[tuple[str, ...], ...]
    """The words of each fact, in the order in which they were told."""
    words: tuple[str, ...]
    """The words of the question."""
    answer: str
    """The answer: one word, or several with commas between them."""
    support: tuple[int, ...]
    """The facts that the answer follows from, by their places, counted from 0."""
    story: int
    """The story it belongs to, by its place in the file, counted from 0."""


def words_of(sentence: str) -> tuple[str, ...]:
    """The words of a sentence in lower case, without punctuation."""
    return tuple(_WORD.findall(sentence.lower()))


def read_babi(task: int, split: str, *, size: str = "en", data_dir: str | Path | None = None) -> list[Question]:
    """The questions of one of the twenty tasks.

    Args:
        task: 1 to 20.
        split: "train" or "test".
        size: "en" (1,000 questions for training) or "en-10k" (10,000); the test questions are the same.
        data_dir: see `neuraltape.data.places.find_part`.

    Raises:
        ValueError: a task, split or size that does not exist.
        DataError: data that is missing or broken.
    """
    return read_tasks([task], split, size=size, data_dir=data_dir)[task]


def read_tasks(
    tasks: "list[int] | range", split: str, *, size: str = "en", data_dir: str | Path | None = None
) -> dict[int, list[Question]]:
    """The questions of several tasks, by task; the archive is opened once. Raises what `read_babi` raises."""
    for name, value, choices in (("split", split, SPLITS), ("size", size, SIZES)):
        if value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value!r}")
    for task in tasks:
        if not 1 <= task <= TASKS:
            raise ValueError(f"task must be from 1 to {TASKS}; got {task}")
    with open_part(DATASETS["babi"][0], data_dir) as files:
        texts = ((task, files.text(_name(files, task, split, size))) for task in tasks)
        return {task: parse(text, f"{files.path}: qa{task} {split}") for task, text in texts}


def babi_contents(tasks: Iterable[int], *, size: str, data_dir: str | Path | None = None) -> str:
    """What the files of some tasks hold, for training and for testing; see `contents_of_files`. Raises DataError."""
    with open_part(DATASETS["babi"][0], data_dir) as files:
        return contents_of_files(files, [_name(files, task, split, size) for task in tasks for split in SPLITS])


def _name(files: Files, task: int, split: str, size: str) -> str:
    pattern = f"{size}/qa{task}_*_{split}.txt"
    names = files.matching(pattern).names
    if not names:
        raise DataError(f"{files.path}: {pattern} is missing in it")
    return names[0]


def parse(text: str, place: str) -> list[Question]:
    """The questions in the text of a file. Raises DataError that begins with `place` and names the line."""
    questions = list(_questions(text, place))
    if not questions:
        raise DataError(f"{place}: expected questions, and found none")
    return questions


def _questions(text: str, place: str) -> Iterator[Question]:
    facts: dict[int, tuple[str, ...]] = {}
    story, last = -1, 0
    for number, line in enumerate(text.splitlines(), start=1):
        here = f"{place}, line {number}"
        head, _, rest = line.partition(" ")
        if not head.isdigit() or not words_of(rest):
            raise DataError(f"{here}: expected `ID text`; got {line[:60]!r}")
        key = int(head)
        if key == 1:
            story, facts = story + 1, {}
        elif key != last + 1:
            raise DataError(f"{here}: expected ID {last + 1} or 1; got {key}")
        last = key
        sentence, *answer = rest.split("\t")
        if not answer:
            facts[key] = words_of(sentence)
            continue
        places = {each: place for place, each in enumerate(facts)}
        support = answer[1].split() if len(answer) == 2 else None
        if support is None or not answer[0].strip() or not all(each.isdigit() for each in support):
            raise DataError(f"{here}: expected `ID question<TAB>answer<TAB>IDs`; got {line[:60]!r}")
        unknown = [each for each in support if int(each) not in places]
        if unknown:
            raise DataError(f"{here}: it follows from line {unknown[0]} of its story, which is no fact before it")
        yield Question(
            facts=tuple(facts.values()),
            words=words_of(sentence),
            answer=answer[0].strip().lower(),
            support=tuple(places[int(each)] for each in support),
            story=story,
        )
