import torch

from neuraltape.data.babi import Question
from neuraltape.tasks.questions import make_tables
from neuraltape.tasks.vocabulary import Vocabulary

FACTS = (("a", "b"), ("c",), ("a", "b"), ("d",))
LONG = Question(facts=FACTS, words=("c",), answer="d", support=(), story=0)
SHORT = Question(facts=FACTS[:1], words=("a",), answer="x,y", support=(), story=0)


def test_facts_stand_latest_first_and_sentences_once() -> None:
    vocabulary = Vocabulary.of([LONG, SHORT])
    (train, test), numbers = make_tables([{3: [LONG]}, {7: [SHORT]}], vocabulary, 3)
    made = {tuple(row[row > 0].tolist()) for row in numbers}
    # a b, c, d, a: the fact and the question `c` are one sentence.
    assert made == {(1, 2), (3,), (4,), (1,)}
    assert len(numbers) == 4

    def words(number: int) -> list[str]:
        return [vocabulary.entry(each) for each in numbers[number].tolist() if each]

    assert [words(each) for each in train.facts[0].tolist()] == [["d"], ["a", "b"], ["c"]]
    assert train.questions[0] == train.facts[0, 2]
    assert vocabulary.entry(int(train.answers[0])) == "d"
    assert test.facts[0].tolist()[1:] == [-1, -1]
    assert vocabulary.entry(int(test.answers[0])) == "x,y"
    assert (train.tasks.tolist(), test.tasks.tolist()) == ([3], [7])


def test_rows_leave_out_slots_that_none_fills() -> None:
    vocabulary = Vocabulary.of([LONG, SHORT])
    (table,), _ = make_tables([{1: [LONG, SHORT]}], vocabulary, 50)
    assert table.facts.shape == (2, 50)
    assert table.rows(torch.tensor([1])).facts.shape == (1, 1)
    assert table.rows(torch.tensor([1, 0])).facts.shape == (2, 4)
    assert table.rows(torch.tensor([1, 0])).answers.tolist() == table.answers[[1, 0]].tolist()
