"""Words of stories and their numbers, for machines that embed words."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Self

from neuraltape.data.babi import Question
from neuraltape.files import read_whole, write_atomically

FILE = "vocabulary.json"


class UnknownWordsError(ValueError):
    """Words that are not in a vocabulary; the message names them, and known ones that look like them."""


@dataclass(frozen=True)
class Vocabulary:
    """Words, and answers of several words, numbered from 1: 0 is no word."""

    entries: tuple[str, ...]
    """The words and answers in the order of their numbers."""

    @classmethod
    def of(cls, questions: Iterable[Question]) -> Self:
        """All words and answers that occur."""
        found: set[str] = set()
        for question in questions:
            found.update(question.words, (question.answer,), *question.facts)
        return cls(tuple(sorted(found)))

    def __len__(self) -> int:
        """How many numbers there are, 0 included."""
        return len(self.entries) + 1

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {entry: number for number, entry in enumerate(self.entries, start=1)}

    def numbers(self, words: Sequence[str]) -> list[int]:
        """The numbers of words. Raises UnknownWordsError."""
        unknown = [word for word in words if word not in self._numbers]
        if unknown:
            raise UnknownWordsError("; ".join(self._complain(word) for word in dict.fromkeys(unknown)))
        return [self._numbers[word] for word in words]

    def entry(self, number: int) -> str:
        """The word or answer of a number above 0."""
        return self.entries[number - 1]

    def save(self, folder: Path) -> None:
        """Write `vocabulary.json` into a folder that exists."""
        write_atomically(folder / FILE, json.dumps({"entries": self.entries}, indent=1).encode())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote. Raises ValueError if it is something else; FileNotFoundError if it is absent."""
        data = read_whole(folder / FILE)
        try:
            entries = json.loads(data)["entries"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"{folder / FILE} is no vocabulary: {error}") from error
        if not isinstance(entries, list) or not entries or not all(isinstance(entry, str) for entry in entries):
            raise ValueError(f"{folder / FILE} is no vocabulary: its entries must be words")
        return cls(tuple(entries))

    def _complain(self, word: str) -> str:
        close = get_close_matches(word, self.entries, n=3)
        hint = f" (did you mean {' or '.join(close)}?)" if close else ""
        return f"I don't know the word {word!r}{hint}"
