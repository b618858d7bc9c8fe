from pathlib import Path

import pytest

from neuraltape.data import DataError
from neuraltape.data.babi import Question, parse, read_babi, read_tasks, words_of
from tests.data.archives import BABI, make_babi

STORY = """1 Mary went to the kitchen.
2 John moved to the garden.
3 Where is Mary? \tkitchen\t1
4 Mary took the milk-jug there.
5 What is Mary carrying? \tmilk,apple\t4 1
1 Bill is here.
2 Where is Bill?\tHere\t1
"""


def test_words_are_lower_case_and_without_punctuation() -> None:
    assert words_of("Where's  the Milk-jug, Mary? ") == ("where's", "the", "milk-jug", "mary")
    assert words_of("?!") == ()


def test_stories_are_read_with_their_questions() -> None:
    questions = parse(STORY, "x")
    first, second, third = questions
    assert first == Question(
        facts=(("mary", "went", "to", "the", "kitchen"), ("john", "moved", "to", "the", "garden")),
        words=("where", "is", "mary"),
        answer="kitchen",
        support=(0,),
        story=0,
    )
    # Lines are counted with the questions, facts are not.
    assert (len(second.facts), second.answer, second.support, second.story) == (3, "milk,apple", (2, 0), 0)
    assert (third.facts, third.answer, third.story) == ((("bill", "is", "here"),), "here", 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x: expected questions, and found none"),
        ("1 Mary is here.\n", "x: expected questions, and found none"),
        ("Mary is here.\n", "x, line 1: expected `ID text`; got 'Mary is here.'"),
        ("1 Mary is here.\n\n", "x, line 2: expected `ID text`; got ''"),
        ("2 Mary is here.\n", "x, line 1: expected ID 1 or 1; got 2"),
        ("1 Mary is here.\n3 Bill is here.\n", "x, line 2: expected ID 2 or 1; got 3"),
        ("1 Mary is here.\n2 Where is Mary?\there\n", "x, line 2: expected `ID question<TAB>answer<TAB>IDs`"),
        ("1 Mary is here.\n2 Where is Mary?\t\t1\n", "x, line 2: expected `ID question<TAB>answer<TAB>IDs`"),
        ("1 Mary is here.\n2 Where is Mary?\there\tone\n", "x, line 2: expected `ID question<TAB>answer<TAB>IDs`"),
        ("1 Mary is here.\n2 Where is Mary?\there\t2\n", "x, line 2: it follows from line 2 of its story"),
    ],
)
def test_a_broken_line_is_named(text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        parse(text, "x")
    assert message in str(caught.value)


def test_a_task_is_read_from_the_archive(tmp_path: Path) -> None:
    make_babi(tmp_path)
    assert read_babi(1, "train", data_dir=tmp_path)[0].answer == "here"
    assert read_babi(1, "test", data_dir=tmp_path)[0].answer == "there"


def test_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    make_babi(tmp_path, {**BABI, "en/qa2_x_train.txt": b"nonsense\n"})
    with pytest.raises(DataError, match=r"en-10k/qa1_\*_train\.txt is missing in it"):
        read_babi(1, "train", size="en-10k", data_dir=tmp_path)
    with pytest.raises(DataError, match=r"tar\.gz: qa2 train, line 1: expected `ID text`; got 'nonsense'"):
        read_babi(2, "train", data_dir=tmp_path)


def test_what_cannot_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="task must be from 1 to 20; got 21"):
        read_babi(21, "train", data_dir=tmp_path)
    with pytest.raises(ValueError, match="split must be one of train, test; got 'valid'"):
        read_babi(1, "valid", data_dir=tmp_path)
    with pytest.raises(ValueError, match="size must be one of en, en-10k; got 'hn'"):
        read_babi(1, "train", size="hn", data_dir=tmp_path)


def test_the_data_beside_the_repository_is_complete(shared_data: Path) -> None:
    test = read_tasks(range(1, 21), "test", data_dir=shared_data)
    assert all(len(questions) == 1_000 for questions in test.values())
    assert test[8][3].answer.count(",") == 1


def test_ids_that_go_back_are_no_new_story() -> None:
    with pytest.raises(DataError, match=r"line 3: expected ID 3 or 1; got 2"):
        parse("1 Mary went home.\n2 John left.\n2 Mary left.\n3 Where is Mary?\thome\t1\n", "here")
