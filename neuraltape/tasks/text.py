"""The user's own text, from a file: at each character or word, say which one comes next."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from neuraltape.files import refuse_pipe
from neuraltape.tasks.draw import check_integer
from neuraltape.tasks.own_data import OwnData
from neuraltape.tasks.row import DataError
from neuraltape.tasks.table import Kind, Table

SUFFIX = ".txt"
# A word with the space before it, signs likewise, or other white space: pieces that make the text when put together.
PIECES = re.compile(r" ?\w+| ?[^\w\s]+|\s")
# What stands for everything that is not in the vocabulary, with the number 0.
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
Unit = Literal["characters", "words"]
# A token takes ten times the room in memory that it has in a file.
MOST_BYTES = 2**27


@dataclass(frozen=True, eq=False)
class Text(OwnData):
    """Learn which character or word comes next in a text file (.txt, UTF-8).

    The text is cut into windows, each a sequence of its own that begins with an empty memory. The vocabulary is made
    from the windows for training alone, the most frequent tokens first; whatever else comes, in another file too, is
    the unknown token. The last windows are kept for validation, and those before them for the test.

    A word is a token with the space before it, so that tokens put together are the text.

    Raises:
        DataError: a file that can't be used; one line with the file and what was expected.
        ValueError: an option that can't be.
    """

    name: ClassVar[str] = "text"
    summary: ClassVar[str] = "your own text: which character or word comes next"
    length_name: ClassVar[str] = "tokens"

    _: KW_ONLY
    unit: Unit = "characters"
    """What a token is: characters or words."""
    window: int = 100
    """Tokens of a sequence."""
    most_tokens: int = 10_000
    """At most so many different tokens are known, the most frequent of the training text."""
    vocabulary: tuple[str, ...] | None = None
    """The tokens that are known; null: those of the training text."""

    def __post_init__(self) -> None:
        if self.unit not in ("characters", "words"):
            raise ValueError(f"unit must be characters or words; got {self.unit!r}")
        check_integer("window", self.window, least=1)
        check_integer("most_tokens", self.most_tokens, least=1)
        if self.vocabulary is not None:
            object.__setattr__(self, "vocabulary", tuple(self.vocabulary))
            if len(set(self.vocabulary)) < len(self.vocabulary) or UNKNOWN in self.vocabulary:
                raise ValueError(f"vocabulary must be different tokens, none of them {UNKNOWN!r}")
        super().__post_init__()

    @cached_property
    def table(self) -> Table:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A row a window: its tokens, and for each of them the next."""
        parts = [self._numbers(pieces) for pieces in self._files]
        inputs, targets, lengths = zip(*(_windows(part, self.window) for part in parts if len(part)), strict=True)
        longest = max(each.shape[1] for each in inputs)
        inputs, targets = (
            np.concatenate([np.pad(part, ((0, 0), (0, longest - part.shape[1]))) for part in some])
            for some in (inputs, targets)
        )
        steps = torch.from_numpy(np.concatenate(lengths))
        mask = torch.arange(longest) < steps.unsqueeze(-1)
        whole = (torch.from_numpy(inputs), torch.from_numpy(targets), mask, steps)
        return Table("classes", *whole, self.input_size, self.output_size, follows=True)

    @property
    def input_size(self) -> int:
        """How many tokens there are, the unknown one included."""
        return len(self.known) + 1

    @property
    def output_size(self) -> int:
        """The same number."""
        return len(self.known) + 1

    @property
    def target_kind(self) -> Kind:
        """Classes: the next token."""
        return "classes"

    @property
    def predicts_next(self) -> bool:
        """Always."""
        return True

    @cached_property
    def known(self) -> tuple[str, ...]:
        """The vocabulary, from number 1."""
        if self.vocabulary is not None:
            return self.vocabulary
        learned = self.parts["training"]
        pieces = self._files[0]
        # The windows for training come first; the last target is one further.
        counts = Counter(pieces[: len(learned) * self.window + 1])
        counts.pop(UNKNOWN, None)
        # Of equally frequent tokens the order is that of their characters.
        found = sorted(counts, key=lambda token: (-counts[token], token))
        return tuple(found[: self.most_tokens])

    @cached_property
    def _number_of(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(self.known, start=1)}

    @property
    def counts(self) -> tuple[int, int, int]:
        """The windows of the three files."""
        data, validation, test = (-(-(len(pieces) - 1) // self.window) if pieces else 0 for pieces in self._files)
        return data, validation, test

    def order(self) -> Int[Tensor, " rows"]:
        """From the last window to the first."""
        return torch.arange(self.counts[0]).flip(0)

    @cached_property
    def _files(self) -> list[list[str]]:
        """The tokens of the data, of the validation file, of the test file."""
        with self.read_as_kept():
            return [[] if path is None else self._read(path) for path in (self.data, self.validation, self.test)]

    def _read(self, path: str) -> list[str]:
        if Path(path).suffix != SUFFIX:
            raise DataError(f"{path}: expected a text file that ends in {SUFFIX}")
        try:
            refuse_pipe(path)
            if (size := Path(path).stat().st_size) > MOST_BYTES:
                raise DataError(f"{path}: expected at most {MOST_BYTES:,} bytes of text; it has {size:,}")
            # Ends of lines are one character, whoever wrote the file.
            text = Path(path).read_text(encoding="utf-8-sig")
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: expected text in UTF-8; {error}") from error
        tokens = self.pieces(text)
        if len(tokens) < 2:
            raise DataError(f"{path}: expected two {self.unit} or more; got {len(tokens)}")
        return tokens

    def pieces(self, text: str) -> list[str]:
        """The tokens of a text; put together they are the text."""
        return list(text) if self.unit == "characters" else PIECES.findall(text)

    def encode(self, text: str) -> Int[Tensor, " tokens"]:
        """The numbers of a text's tokens; 0 is an unknown one."""
        return torch.from_numpy(self._numbers(self.pieces(text))).long()

    def decode(self, numbers: Iterable[int]) -> str:
        """The text that numbers of tokens stand for."""
        return "".join(self.token(number) for number in numbers)

    def token(self, number: int) -> str:
        """The token of a number."""
        return self.known[number - 1] if number else UNKNOWN

    def _numbers(self, pieces: list[str]) -> np.ndarray:
        dtype = np.int16 if len(self.known) < np.iinfo(np.int16).max else np.int32
        if pieces and pieces[0] not in self._number_of:
            # A word that begins a text has no space before it.
            pieces = [f" {pieces[0]}", *pieces[1:]]
        return np.fromiter((self._number_of.get(piece, 0) for piece in pieces), dtype, len(pieces))

    @property
    def characters_per_token(self) -> float:
        """Characters of the files over their tokens."""
        pieces = [piece for part in self._files for piece in part]
        return sum(map(len, pieces)) / len(pieces)

    def unknown_share(self, rows: Int[Tensor, " rows"]) -> float:
        """The share of unknown tokens among the targets of these rows."""
        unknown, tokens = zip(*((int((part == 0).sum()), len(part)) for part in self.goals(rows)), strict=True)
        return sum(unknown) / sum(tokens)

    def read_inputs(self, path: str, size: int) -> tuple[Tensor, Tensor]:
        """The windows of another text; see `OwnData.read_inputs`. `size`: those of the vocabulary."""
        table = self.of_file(path).table
        if table.input_size != size:
            raise DataError(f"{path}: the vocabulary must have {size} tokens; it has {table.input_size}")
        return table.inputs[:], table.lengths

    def settled(self) -> "Text":
        """`resolved`, without a look at the files where the vocabulary is known."""
        return self.resolved() if self.vocabulary is None else self

    def resolved(self) -> "Text":
        """The same task with its vocabulary: new files are then read alike."""
        found = {"vocabulary": self.known, "contents": self.found_contents()}
        same = replace(self, validation_fraction=self.validation_share, **found)
        for name in ("table", "stamps", "_files", "parts"):
            vars(same)[name] = getattr(self, name)
        return same


def _windows(numbers: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tokens and the next ones, each (windows, window) with zeros at the end of the last, and the windows' lengths."""
    count = len(numbers) - 1
    whole = -(-count // window)
    longest = min(window, count)
    inputs, targets = (np.zeros(whole * longest, numbers.dtype) for _ in range(2))
    inputs[:count], targets[:count] = numbers[:-1], numbers[1:]
    lengths = np.full(whole, longest)
    lengths[-1] = count - (whole - 1) * longest
    return inputs.reshape(whole, longest), targets.reshape(whole, longest), lengths
