import pytest
import torch

from neuraltape.evaluation.answerer import Answerer
from neuraltape.evaluation.session import Session, is_question
from neuraltape.nn import Focus
from neuraltape.nn.memory_network import MemoryNetwork
from neuraltape.tasks.vocabulary import UnknownWordsError, Vocabulary


@pytest.fixture
def session() -> Session:
    """With somebody who knows a few words and remembers three facts, but never learned anything."""
    vocabulary = Vocabulary(("here", "is", "john", "mary", "where"))
    torch.manual_seed(0)
    return Session(Answerer(MemoryNetwork(len(vocabulary), 4, slots=3).eval(), vocabulary))


def test_only_the_latest_facts_are_looked_at(session: Session) -> None:
    for name in ("Mary", "John", "Mary", "John", "Mary"):
        session.tell(f"{name} is here.")
    answer = session.ask("Where is Mary?")
    assert [fact.number for fact in answer.facts] == [3, 4, 5]
    assert [fact.text for fact in answer.facts] == ["Mary is here.", "John is here.", "Mary is here."]


def test_the_weights_belong_to_their_facts(session: Session) -> None:
    # The latest fact, and it alone, matches: its age is like every word.
    with torch.no_grad():
        session.answerer.network.embeddings.fill_(1)
        session.answerer.network.times[:, 0] = 50
    for name in ("Mary", "John"):
        session.tell(f"{name} is here.")
    answer = session.ask("Where is John?")
    assert [round(each, 3) for each in answer.facts[1].weights] == [1.0, 1.0, 1.0]
    assert answer.nothing == pytest.approx((0, 0, 0), abs=1e-6)


def test_a_trace_names_the_facts_and_looks_where_the_answer_did(session: Session) -> None:
    for name in ("Mary", "John", "Mary", "John"):
        session.tell(f"{name} is here.")
    answer, trace = session.ask("Where is John?"), session.trace("Where is John?")
    assert trace.labels == (("John is here.", "Mary is here.", "John is here."),)
    for hop, head in enumerate(trace.heads):
        expected = [fact.weights[hop] for fact in answer.facts]
        # Measured: 3e-8; the trace runs on the reference backend.
        assert head.weights[0, 0].tolist() == pytest.approx(expected, abs=1e-6)
    assert trace.outputs[0, 0, 1:].softmax(-1).max().item() == pytest.approx(answer.probability, abs=1e-6)
    changed = session.trace("Where is John?", intervene=Focus(slots=(1,), head="hop 1"))
    assert changed.head("hop 1").weights[0, 0].tolist() == [0, 1, 0]


def test_a_trace_needs_facts(session: Session) -> None:
    with pytest.raises(ValueError, match="no facts to look at; tell some first"):
        session.trace("Where is Mary?")


def test_what_no_fact_got_went_to_empty_slots(session: Session) -> None:
    # Words and ages without direction: all three slots score the same, and two of them are empty.
    with torch.no_grad():
        for parameter in session.answerer.network.parameters():
            parameter.zero_()
    session.tell("Mary is here.")
    answer = session.ask("Where is Mary?")
    assert answer.facts[0].weights == pytest.approx((1 / 3,) * 3)
    assert answer.nothing == pytest.approx((2 / 3,) * 3)


def test_nothing_told_gives_an_answer_without_facts(session: Session) -> None:
    session.tell("Mary is here.")
    session.forget()
    answer = session.ask("Where is Mary?")
    assert answer.facts == ()
    assert 0 < answer.probability < 1


def test_unknown_words_are_said_and_not_remembered(session: Session) -> None:
    with pytest.raises(UnknownWordsError, match="'bob'"):
        session.tell("Bob is here.")
    with pytest.raises(UnknownWordsError, match="'bob'"):
        session.ask("Where is Bob?")
    with pytest.raises(ValueError, match=r"there are no words in '\.\.\.'"):
        session.tell("...")
    assert session.facts == []


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Where is Mary?", True),
        ("where is mary", True),
        ("Is Mary here", True),
        ("Mary is here.", False),
        ("mary is here", False),
        ("mary is here?", True),
        ("Is.", False),
        ("", False),
    ],
)
def test_what_a_question_is(text: str, asks: bool) -> None:
    assert is_question(text) is asks
