"""Stories with questions as sequences of words: vocabularies and tables."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from neuraltape.data.babi import Question
from neuraltape.tasks.table import Table

STOP, ASK = ".", "?"


class Words(NamedTuple):
    """The vocabularies of what goes in and what comes out."""

    inputs: tuple[str, ...]
    """Words, a full stop and a question mark."""
    answers: tuple[str, ...]
    """The answers: one word each, or several with commas between them."""


def words_of(stories: Iterable[Sequence[Question]]) -> Words:
    """All words and all answers, in alphabetical order."""
    every = [question for story in stories for question in story]
    inputs = {word for question in every for words in (question.words, *question.facts) for word in words}
    return Words((STOP, ASK, *sorted(inputs)), tuple(sorted({question.answer for question in every})))


def make_table(stories: Sequence[Sequence[Question]], words: Words) -> Table:
    """Stories as sequences of symbols with the answers as classes."""
    symbols = {word: number for number, word in enumerate(words.inputs)}
    classes = {answer: number for number, answer in enumerate(words.answers)}
    inputs, targets = [], []
    for story in stories:
        steps, answers = [], []
        told = 0
        for question in story:
            # The facts since the question before come first, then the question.
            for fact in question.facts[told:]:
                steps += [*(symbols[word] for word in fact), symbols[STOP]]
            told = len(question.facts)
            steps += [*(symbols[word] for word in question.words), symbols[ASK]]
            answers += [-1] * (len(steps) - len(answers) - 1) + [classes[question.answer]]
        inputs.append(torch.tensor(steps))
        targets.append(torch.tensor(answers))
    padded = pad_sequence(targets, batch_first=True, padding_value=-1)
    return Table(
        "classes",
        pad_sequence(inputs, batch_first=True),
        padded.clamp(min=0),
        padded >= 0,
        torch.tensor([len(each) for each in inputs]),
        len(words.inputs),
        len(words.answers),
    )


def cut(table: Table, questions: int, rows: Int[Tensor, " rows"]) -> Table:
    """The same stories, those of `rows` each cut off after so many of its questions."""
    mask, lengths = table.mask.clone(), table.lengths.clone()
    mask[rows] &= mask[rows].cumsum(1) <= questions
    places = torch.arange(1, mask.shape[1] + 1)
    lengths[rows] = (places * mask[rows]).amax(1)
    past = places > lengths.unsqueeze(1)
    inputs, targets = (each[:].masked_fill(past, 0) for each in (table.inputs, table.targets))
    return table._replace(inputs=inputs, targets=targets, mask=mask, lengths=lengths)
