"""Questions as tensors: what a memory network takes. Knows no files."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from neuraltape.data.babi import Question
from neuraltape.functional import Sentences
from neuraltape.study.questions.vocabulary import Vocabulary


class Table(NamedTuple):
    """Questions, one a row."""

    facts: Int[Tensor, "questions slots"]
    """Which sentence each fact is, the latest first; -1 where there is none."""
    questions: Int[Tensor, " questions"]
    """Which sentence each question is."""
    answers: Int[Tensor, " questions"]
    """The number of each answer."""
    tasks: Int[Tensor, " questions"]
    """The task of each question."""

    def rows(self, which: Tensor) -> "Table":
        """Some of the rows, without slots that none of them fills."""
        facts = self.facts[which]
        longest = int((facts >= 0).sum(-1).max())
        return Table(facts[:, :longest], self.questions[which], self.answers[which], self.tasks[which])


def make_tables(
    groups: Sequence[Mapping[int, Sequence[Question]]], vocabulary: Vocabulary, slots: int
) -> tuple[list[Table], Sentences]:
    """Number the sentences of all groups, each once, and describe the questions by those numbers.

    Args:
        groups: questions by task, such as those for training and those for testing.
        vocabulary: knows all their words and answers.
        slots: how many facts are kept, the latest.
    """
    numbers: dict[tuple[str, ...], int] = {}
    tables = [_table(group, vocabulary, slots, numbers) for group in groups]
    return tables, make_sentences(numbers, vocabulary)


def make_sentences(sentences: Iterable[Sequence[str]], vocabulary: Vocabulary) -> Sentences:
    """Sentences from their words. Raises UnknownWordsError."""
    rows = [torch.tensor(vocabulary.numbers(words)) for words in sentences]
    return Sentences.of(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True))


def _table(
    group: Mapping[int, Sequence[Question]], vocabulary: Vocabulary, slots: int, numbers: dict[tuple[str, ...], int]
) -> Table:
    every = [(task, question) for task, questions in group.items() for question in questions]
    facts = torch.full((len(every), slots), -1)
    for row, (_, question) in enumerate(every):
        kept = [numbers.setdefault(fact, len(numbers)) for fact in reversed(question.facts[-slots:])]
        facts[row, : len(kept)] = torch.tensor(kept, dtype=torch.int64)
    return Table(
        facts,
        torch.tensor([numbers.setdefault(question.words, len(numbers)) for _, question in every]),
        torch.tensor(vocabulary.numbers([question.answer for _, question in every])),
        torch.tensor([task for task, _ in every]),
    )
