"""The bAbI questions word by word."""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import ClassVar, Literal

import torch
from jaxtyping import Int
from torch import Tensor

from neuraltape.data.babi import SIZES, SPLITS, TASKS, Question, babi_contents, read_tasks
from neuraltape.data.contents import refuse_contents
from neuraltape.data.places import cache_folder
from neuraltape.tasks.stories import Words, cut, make_table, words_of
from neuraltape.tasks.table import Table
from neuraltape.tasks.table_task import TableTask
from neuraltape.tasks.task import grown

# What the example shows.
STORY = Question((("mary", "went", "home"), ("john", "left")), ("where", "is", "mary"), "home", (0,), 0)


@dataclass(frozen=True, eq=False)
class Babi(TableTask):
    """Read stories word by word and answer at each question mark.

    The tasks of Weston et al. (2015), arXiv 1502.05698, as Graves et al. (2016), doi 10.1038/nature20101, give them to
    a DNC: a word a step, a story with all of its questions as one sequence, only the answers scored. Unlike there
    words are looked up (one-hot with `embedding_size` 0), and an answer of several words counts as one and comes at the
    question mark itself. Sentences end in a full stop.

        words     mary went home . john left . where is mary ?
        targets                                              home

    The data is read at the first use: see `neuraltape data get babi`, or `data_dir`.

    Raises:
        ValueError: an option that can't be.
        DataError: data that is missing or broken.
    """

    name: ClassVar[str] = "babi"
    summary: ClassVar[str] = "answer questions about stories that are read word by word (bAbI)"
    length_name: ClassVar[str] = "words"

    questions: tuple[int, ...] = (1,)
    """The kinds of questions to learn, by their numbers from 1 to 20."""
    size: Literal["en", "en-10k"] = "en-10k"
    """The edition: 1,000 (en) or 10,000 (en-10k) questions of each kind for training."""
    data_dir: str | None = None
    """Folder or archive of the data set; null: where `neuraltape data get babi` puts it."""
    longest_story: int | None = None
    """Stories with more words are left out of training, not of the test; null: none are."""
    contents: str | None = None
    """What the files held when a run learned from them, as it keeps it: other contents are refused; null: nobody
    looks."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "questions", tuple(self.questions))
        different = len(set(self.questions)) == len(self.questions) > 0
        if not different or not set(self.questions) <= set(range(1, TASKS + 1)):
            raise ValueError(f"questions must be different numbers from 1 to {TASKS}; got {list(self.questions)}")
        if self.size not in SIZES:
            raise ValueError(f"size must be one of {', '.join(SIZES)}; got {self.size!r}")
        if self.longest_story is not None and self.longest_story < 1:
            raise ValueError(f"longest_story must be at least 1; got {self.longest_story}")

    @cached_property
    def stories(self) -> dict[str, list[tuple[int, list[Question]]]]:
        """The stories for training and for testing, each as the kind of its questions and the questions."""
        if self.contents is not None and self.contents != self.found_contents:
            place = cache_folder("babi") if self.data_dir is None else self.data_dir
            refuse_contents(place, self.contents, self.found_contents)
        found = {}
        for split in SPLITS:
            kinds = read_tasks(sorted(self.questions), split, size=self.size, data_dir=self.data_dir)
            told = ((kind, groupby(every, lambda question: question.story)) for kind, every in kinds.items())
            found[split] = [(kind, list(story)) for kind, stories in told for _, story in stories]
        return found

    @cached_property
    def found_contents(self) -> str:
        """`contents`, of the files as they are."""
        return babi_contents(self.questions, size=self.size, data_dir=self.data_dir)

    def resolved(self) -> "Babi":
        """The same task with its `contents`."""
        if self.contents is not None:
            return self
        same = replace(self, contents=self.found_contents)
        vars(same).update({name: each for name, each in vars(self).items() if name not in vars(same)})
        return same

    @cached_property
    def vocabularies(self) -> Words:
        """The vocabularies, of all stories."""
        return words_of(story for stories in self.stories.values() for _, story in stories)

    @cached_property
    def table(self) -> Table:  # pyright: ignore[reportIncompatibleMethodOverride]
        """All stories, those for training first."""
        return make_table([story for split in SPLITS for _, story in self.stories[split]], self.vocabularies)

    @cached_property
    def rows(self) -> Int[Tensor, " rows"]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The stories for training."""
        every = torch.arange(len(self.stories["train"]))
        if self.longest_story is None:
            return every
        kept = every[self.table.lengths[every] <= self.longest_story]
        if not len(kept):
            raise ValueError(
                f"longest_story must leave some stories; the shortest has {self.table.lengths.min()} words"
            )
        return kept

    @property
    def source(self) -> str:
        """The data set."""
        return f"bAbI {self.size}"

    @property
    def input_names(self) -> tuple[str, ...]:
        """The words."""
        return self.vocabularies.inputs

    @property
    def output_names(self) -> tuple[str, ...]:
        """The answers."""
        return self.vocabularies.answers

    def held_out(self) -> "Babi":
        """The stories for testing."""
        return self.only(torch.arange(len(self.stories["train"]), len(self.table.lengths)))

    @property
    def grows_lengths(self) -> bool:
        """No: stories grow by their questions."""
        return False

    def grown(self, fraction: float) -> "Babi":
        """The stories for training cut off after this fraction of the questions that one can have, at least one."""
        most = int(self.table.mask[self.rows].sum(1).max())
        view = self.only(self.rows)
        # This is the cache of the cached property, as in `only`.
        object.__setattr__(view, "table", cut(self.table, grown(1, most, fraction), self.rows))
        return view

    @property
    def kinds(self) -> list[int]:
        """Which kind of questions each of the rows has, in their order."""
        every = [kind for split in SPLITS for kind, _ in self.stories[split]]
        return [every[row] for row in self.rows.tolist()]

    def example(self) -> str:
        """A story of our own, so that no data is needed."""
        words = words_of([[STORY]])
        table = make_table([[STORY]], words)
        steps = [words.inputs[symbol] for symbol in table.inputs[0].tolist()]
        goals = zip(table.targets[0].tolist(), table.mask[0].tolist(), strict=True)
        answers = [words.answers[goal] if scored else "" for goal, scored in goals]
        width = [max(len(step), len(answer)) for step, answer in zip(steps, answers, strict=True)]
        lines = (" ".join(f"{cell:{n}}" for cell, n in zip(row, width, strict=True)) for row in (steps, answers))
        return "\n".join(f"{name:8} {line}".rstrip() for name, line in zip(("words", "targets"), lines, strict=True))
