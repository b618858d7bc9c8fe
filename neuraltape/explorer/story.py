"""A story for a machine that answers questions: told facts, a question, and what it looked at. Knows no web."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from neuraltape.data.babi import words_of
from neuraltape.evaluation.answerer import Answerer
from neuraltape.evaluation.session import Session
from neuraltape.nn import Intervention, Trace
from neuraltape.tasks.vocabulary import Vocabulary

# How many of the likeliest answers are told.
LIKELIEST = 5


class Story(NamedTuple):
    """What was told, and what is asked."""

    facts: tuple[str, ...]
    question: str


# Stories in the words of the bAbI tasks; the kinds of reasoning are those of its tasks 2, 1, 3 and 15.
EXAMPLES = (
    Story(
        (
            "Mary got the milk there.",
            "John moved to the bedroom.",
            "Mary travelled to the hallway.",
            "Sandra went back to the kitchen.",
            "Mary dropped the milk.",
        ),
        "Where is the milk?",
    ),
    Story(
        ("Mary went to the kitchen.", "John moved to the garden.", "Mary travelled to the office."), "Where is Mary?"
    ),
    Story(
        (
            "Daniel took the apple.",
            "Daniel journeyed to the bathroom.",
            "Daniel went to the garden.",
            "Daniel dropped the apple.",
        ),
        "Where was the apple before the garden?",
    ),
    Story(
        (
            "Mice are afraid of wolves.",
            "Gertrude is a mouse.",
            "Cats are afraid of sheep.",
            "Winona is a cat.",
        ),
        "What is Gertrude afraid of?",
    ),
)


def examples(vocabulary: Vocabulary) -> list[dict[str, Any]]:
    """The built-in stories that a vocabulary has all words for."""
    known = set(vocabulary.entries)
    return [
        {"facts": list(story.facts), "question": story.question}
        for story in EXAMPLES
        if all(word in known for text in (*story.facts, story.question) for word in words_of(text))
    ]


def tell(
    answerer: Answerer, story: Story, changes: Sequence[Intervention] = ()
) -> tuple[Trace, list[tuple[str, float]]]:
    """Tell the facts, ask the question.

    Returns:
        The trace, its slots in the order in which the facts were told and labelled with them; and the likeliest answers
        with their probabilities.

    Raises:
        ValueError: unknown words, sentences without words, or more facts than the network remembers.
    """
    session, slots = Session(answerer), answerer.network.slots
    if not 1 <= len(story.facts) <= slots:
        raise ValueError(f"a story must have from 1 to {slots} sentences; got {len(story.facts)}")
    for fact in story.facts:
        session.tell(fact)
    trace = session.trace(story.question, intervene=changes)
    # Number 0 is no word.
    chances, numbers = trace.outputs[0, 0, 1:].softmax(-1).topk(LIKELIEST)
    entries = (answerer.vocabulary.entry(number + 1) for number in numbers.tolist())
    return trace, list(zip(entries, chances.tolist(), strict=True))
