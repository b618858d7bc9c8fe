"""A conversation: somebody tells facts and asks questions. Knows no terminal."""

from typing import NamedTuple

import torch

from neuraltape.data.babi import words_of
from neuraltape.evaluation.answerer import Answerer
from neuraltape.functional import Sentences
from neuraltape.tasks.questions import QuestionTable, number_words
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

    def ask(self, question: str) -> Answer:
        """Answer a question. Raises UnknownWordsError; ValueError for one without words."""
        slots = self.answerer.network.slots
        kept = self.facts[-slots:]
        # The question last, the facts before it from the latest to the first.
        latest_first = torch.arange(len(kept) - 1, -1, -1).unsqueeze(0)
        table = QuestionTable(latest_first, torch.tensor([len(kept)]), torch.tensor([0]), torch.tensor([0]))
        reading = self.answerer.read(sentences_of([*kept, question], self.answerer.vocabulary), table)
        probability, number = reading.logits[0, 1:].softmax(-1).max(-1)
        weights = reading.weights[:, 0].flip(-1).T.tolist()
        first = len(self.facts) - len(kept) + 1
        looked = (Looked(first + i, text, tuple(weights[i])) for i, text in enumerate(kept))
        nothing = tuple((1 - reading.weights[:, 0].sum(-1)).clamp(min=0).tolist())
        return Answer(self.answerer.vocabulary.entry(int(number) + 1), probability.item(), tuple(looked), nothing)


def sentences_of(texts: list[str], vocabulary: Vocabulary) -> Sentences:
    """Texts as a network takes them. Raises UnknownWordsError; ValueError for one without words."""
    words = [words_of(text) for text in texts]
    for text, each in zip(texts, words, strict=True):
        if not each:
            raise ValueError(f"there are no words in {text!r}")
    return Sentences.of(number_words(words, vocabulary))


def is_question(text: str) -> bool:
    """Whether a sentence asks: it ends in a question mark, or begins as questions do without a full stop at its end."""
    text = text.strip()
    first = next(iter(words_of(text)), "")
    return text.endswith("?") or (first in ASKING and not text.endswith("."))
