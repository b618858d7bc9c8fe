import torch

from neuraltape.data.babi import Question
from neuraltape.tasks.stories import cut, make_table, words_of

TOLD = (("mary", "left"), ("john", "left"))
STORY = [
    Question(TOLD[:1], ("where", "is", "mary"), "here", (0,), 0),
    Question(TOLD[:1], ("who", "left"), "mary", (0,), 0),
    Question(TOLD, ("where", "is", "john"), "there", (1,), 0),
]


def test_a_table_holds_each_fact_once_and_scores_the_question_marks() -> None:
    words = words_of([STORY])
    table = make_table([STORY], words)
    told = " ".join(words.inputs[symbol] for symbol in table.inputs[0].tolist())
    assert told == "mary left . where is mary ? who left ? john left . where is john ?"
    assert table.mask[0].nonzero().flatten().tolist() == [6, 9, 16]
    assert table.lengths.tolist() == [17]


def test_a_cut_story_ends_at_a_question_mark_and_asks_no_more() -> None:
    table = make_table([STORY, STORY[:1]], words_of([STORY]))
    every = torch.arange(2)
    short = cut(table, 2, every)
    assert short.lengths.tolist() == [10, 7]
    assert short.mask.sum(1).tolist() == [2, 1]
    assert short.inputs[0, 10:].tolist() == short.targets[0, 10:].tolist() == [0] * 7
    assert all(torch.equal(mine, given) for mine, given in zip(cut(table, 3, every)[1:5], table[1:5], strict=True))
    assert cut(table, 1, every[1:]).lengths.tolist() == [17, 7]
