"""Questions about facts as tensors: what a memory network takes. Knows no files and no machine."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from neuraltape.data.babi import Question
from neuraltape.printed import record_repr
from neuraltape.tasks.vocabulary import Vocabulary


class QuestionTable(NamedTuple):
    """Questions, one a row."""

    facts: Int[Tensor, "questions slots"]
    """Which sentence each fact is, the latest first; -1 where there is none."""
    questions: Int[Tensor, " questions"]
    """Which sentence each question is."""
    answers: Int[Tensor, " questions"]
    """The number of each answer."""
    tasks: Int[Tensor, " questions"]
    """The task of each question."""

    __repr__ = record_repr

    def rows(self, which: Tensor) -> "QuestionTable":
        """Some of the rows, without slots that none of them fills."""
        facts = self.facts[which]
        longest = int((facts >= 0).sum(-1).max())
        return QuestionTable(facts[:, :longest], self.questions[which], self.answers[which], self.tasks[which])


def make_tables(
    groups: Sequence[Mapping[int, Sequence[Question]]], vocabulary: Vocabulary, slots: int
) -> tuple[list[QuestionTable], Int[Tensor, "sentences longest"]]:
    """Number the sentences of all groups, each once, and describe the questions by those numbers.

    Args:
        groups: questions by task, such as those for training and those for testing.
        vocabulary: knows all their words and answers.
        slots: how many facts are kept, the latest.

    Returns:
        A table for each group, and the numbers of the words of all sentences that they speak of.
    """
    numbers: dict[tuple[str, ...], int] = {}
    tables = [_table(group, vocabulary, slots, numbers) for group in groups]
    return tables, number_words(numbers, vocabulary)


def number_words(sentences: Iterable[Sequence[str]], vocabulary: Vocabulary) -> Int[Tensor, "sentences longest"]:
    """The numbers of the words of each sentence, 0 past its end. Raises UnknownWordsError."""
    rows = [torch.tensor(vocabulary.numbers(words)) for words in sentences]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def _table(
    group: Mapping[int, Sequence[Question]], vocabulary: Vocabulary, slots: int, numbers: dict[tuple[str, ...], int]
) -> QuestionTable:
    every = [(task, question) for task, questions in group.items() for question in questions]
    facts = torch.full((len(every), slots), -1)
    for row, (_, question) in enumerate(every):
        kept = [numbers.setdefault(fact, len(numbers)) for fact in reversed(question.facts[-slots:])]
        facts[row, : len(kept)] = torch.tensor(kept, dtype=torch.int64)
    return QuestionTable(
        facts,
        torch.tensor([numbers.setdefault(question.words, len(numbers)) for _, question in every]),
        torch.tensor(vocabulary.numbers([question.answer for _, question in every])),
        torch.tensor([task for task, _ in every]),
    )
