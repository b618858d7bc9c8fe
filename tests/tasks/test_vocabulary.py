from pathlib import Path

import pytest

from neuraltape.data.babi import Question
from neuraltape.tasks.vocabulary import UnknownWordsError, Vocabulary


def question(answer: str) -> Question:
    return Question(facts=(("mary", "left"),), words=("where", "is", "mary"), answer=answer, support=(0,), story=0)


def test_words_and_answers_are_numbered_from_one() -> None:
    vocabulary = Vocabulary.of([question("milk,apple")])
    assert vocabulary.entries == ("is", "left", "mary", "milk,apple", "where")
    assert len(vocabulary) == 6
    assert vocabulary.numbers(["where", "is"]) == [5, 1]
    assert vocabulary.entry(4) == "milk,apple"


def test_every_unknown_word_is_named_with_what_is_like_it() -> None:
    vocabulary = Vocabulary.of([question("here")])
    with pytest.raises(UnknownWordsError) as caught:
        vocabulary.numbers(["mari", "is", "zzz", "zzz"])
    assert str(caught.value) == "I don't know the word 'mari' (did you mean mary?); I don't know the word 'zzz'"


def test_a_vocabulary_comes_back(tmp_path: Path) -> None:
    vocabulary = Vocabulary.of([question("here")])
    vocabulary.save(tmp_path)
    assert Vocabulary.load(tmp_path) == vocabulary


@pytest.mark.parametrize("text", ["", "[]", '{"entries": []}', '{"entries": [1]}', '{"words": ["a"]}'])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "vocabulary.json").write_text(text)
    with pytest.raises(ValueError, match=r"vocabulary\.json is no vocabulary"):
        Vocabulary.load(tmp_path)
