"""A conversation: somebody tells facts and asks questions. Knows no terminal."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from neuraltape.data.babi import words_of
from neuraltape.evaluation.answerer import Answerer
from neuraltape.functional import Sentences
from neuraltape.nn.intervention import Intervention
from neuraltape.nn.trace import Trace
from neuraltape.printed import record_repr
from neuraltape.tasks.questions import number_words
from neuraltape.tasks.vocabulary import Vocabulary

# What a question begins with in the language of the tasks, where the question mark is forgotten.
ASKING = {"where", "what", "who", "why", "how", "is", "are", "does", "did", "was", "will"}


class Looked(NamedTuple):
    """What one fact meant for an answer."""

    number: int
    """The fact's, counted from 1."""
    text: str
    """As it was told."""
    weights: tuple[float, ...]
    """How much of it each hop read."""


class Answer(NamedTuple):
    """What the network says to a question."""

    words: str
    """One word, or several with commas between them."""
    probability: float
    """How sure it is."""
    facts: tuple[Looked, ...]
    """Every fact that it remembers, in the order in which they were told."""
    nothing: tuple[float, ...]
    """How much of each hop went to empty slots, and so read nothing."""


class Session:
    """Remembers what was told.

    Args:
        answerer: who answers.
    """

    def __init__(self, answerer: Answerer) -> None:
        self.answerer = answerer
        self.facts: list[str] = []

    def tell(self, fact: str) -> int:
        """Remember a fact, and return its number. Raises UnknownWordsError; ValueError for one without words."""
        sentences_of([fact], self.answerer.vocabulary)
        self.facts.append(fact)
        return len(self.facts)

    def forget(self) -> None:
        """Forget all facts."""
        self.facts.clear()

    @torch.no_grad()
    def ask(self, question: str) -> Answer:
        """Answer a question. Raises UnknownWordsError; ValueError for one without words."""
        told = self._told(question)
        reading = self.answerer.network(told.sentences, told.facts, told.questions, ages=told.ages)
        probability, number = reading.logits[0, 1:].softmax(-1).max(-1)
        weights = reading.weights[:, 0].T.tolist()
        first = len(self.facts) - len(told.texts) + 1
        looked = (Looked(first + i, text, tuple(weights[i])) for i, text in enumerate(told.texts))
        nothing = tuple((1 - reading.weights[:, 0].sum(-1)).clamp(min=0).tolist())
        return Answer(self.answerer.vocabulary.entry(int(number) + 1), probability.item(), tuple(looked), nothing)

    def trace(self, question: str, *, intervene: Intervention | Sequence[Intervention] = ()) -> Trace:
        """Answer a question and keep every hop, with the facts as labels, in the order in which they were told.

        Raises UnknownWordsError; ValueError for a question without words, before any fact was told, or for an
        intervention that doesn't apply.
        """
        told = self._told(question)
        if not told.texts:
            raise ValueError("there are no facts to look at; tell some first")
        return self.answerer.network.trace(
            told.sentences, told.facts, told.questions, ages=told.ages, labels=[told.texts], intervene=intervene
        )

    def _told(self, question: str) -> "_Told":
        kept = self.facts[-self.answerer.network.slots :]
        numbers = torch.arange(len(kept)).unsqueeze(0)
        # The question's number is that after the facts'; how old a fact is, is counted from the latest.
        return _Told(
            kept,
            sentences_of([*kept, question], self.answerer.vocabulary),
            numbers,
            numbers.flip(-1),
            torch.tensor([len(kept)]),
        )


def sentences_of(texts: list[str], vocabulary: Vocabulary) -> Sentences:
    """Texts as a network takes them. Raises UnknownWordsError; ValueError for one without words."""
    words = [words_of(text) for text in texts]
    for text, each in zip(texts, words, strict=True):
        if not each:
            raise ValueError(f"there are no words in {text!r}")
    return Sentences.of(number_words(words, vocabulary))


class _Told(NamedTuple):
    """What the network is given, (1, facts) and (1,)."""

    texts: list[str]
    sentences: Sentences
    facts: Tensor
    ages: Tensor
    questions: Tensor

    __repr__ = record_repr


def is_question(text: str) -> bool:
    """Whether a sentence asks: it ends in a question mark, or begins as questions do without a full stop at its end."""
    text = text.strip()
    first = next(iter(words_of(text)), "")
    return text.endswith("?") or (first in ASKING and not text.endswith("."))
