from dataclasses import replace
from pathlib import Path

import pytest
import torch

from neuraltape.data import DataError
from neuraltape.tasks import Babi
from tests.data.archives import make_babi

TRAIN = b"""1 Mary left.
2 Where is Mary? \there\t1
3 John took the milk.
4 What has John? \tmilk,tea\t3
1 Bill left.
2 Where is Bill? \tthere\t1
"""
TEST = (
    b"1 Bill left.\n2 Mary left.\n3 Where is Bill? \there\t1\n4 Where is Mary? \there\t2\n5 Where is Mary? \there\t2\n"
)
WHERE = ["mary", "left", ".", "where", "is", "mary", "?"]


@pytest.fixture
def task(tmp_path: Path) -> Babi:
    make_babi(tmp_path, {"en/qa1_x_train.txt": TRAIN, "en/qa1_x_test.txt": TEST})
    return Babi(size="en", data_dir=str(tmp_path))


def words(task: Babi, row: int) -> list[str]:
    batch = task.batch(torch.tensor([row]))
    return [task.vocabularies.inputs[symbol] for symbol in batch.inputs[: batch.lengths[0], 0].tolist()]


def test_a_story_is_read_word_by_word_and_answered_at_its_question_marks(task: Babi) -> None:
    told = ["john", "took", "the", "milk", ".", "what", "has", "john", "?"]
    assert words(task, 0) == WHERE + told
    batch = task.batch(torch.tensor([0]))
    places = batch.mask[:, 0].nonzero().flatten().tolist()
    assert [words(task, 0)[place] for place in places] == ["?", "?"]
    assert [task.vocabularies.answers[batch.targets[place, 0]] for place in places] == ["here", "milk,tea"]
    assert batch.lengths.sum() == len(WHERE + told)


def test_training_and_test_stories_are_kept_apart(task: Babi) -> None:
    assert task.rows.tolist() == [0, 1]
    assert task.held_out().rows.tolist() == [2]
    told = ["bill", "left", ".", "mary", "left", ".", "where", "is", "bill", "?"]
    assert words(task, 2) == told + ["where", "is", "mary", "?"] * 2
    assert (task.shortest, task.longest) == (7, 16)
    assert task.held_out().longest == 18
    assert task.kinds == [1, 1]


def test_batches_are_padded_and_scored_by_class(task: Babi, generator: torch.Generator) -> None:
    batch = task.sample(2, generator)
    assert batch.shown(task.input_size).inputs.shape == (16, 2, task.input_size)
    assert sorted(batch.lengths.tolist()) == [7, 16]
    right = torch.nn.functional.one_hot(batch.targets, task.output_size).float() * 20
    score = task.score(right, batch)
    assert score.wrong.tolist() == [0, 0]
    assert score.bits.max() < 1e-6
    assert task.score(-right, batch).wrong.sum() == 3
    assert int(task.count(batch)) == 3


def test_long_stories_can_be_left_out_of_training(tmp_path: Path, task: Babi) -> None:
    short = Babi(size="en", data_dir=str(tmp_path), longest_story=10)
    assert short.rows.tolist() == [1]
    assert short.held_out().rows.tolist() == [2]
    with pytest.raises(ValueError, match="longest_story must leave some stories; the shortest has 7 words"):
        _ = Babi(size="en", data_dir=str(tmp_path), longest_story=3).rows


def test_grown_cuts_stories_after_some_of_their_questions(task: Babi) -> None:
    first = task.grown(0.5)
    assert words(first, 0) == WHERE
    assert words(first, 1) == words(task, 1)
    batch = first.batch(torch.tensor([0, 1]))
    assert int(first.count(batch)) == 2
    assert (first.shortest, first.longest) == (7, 7)
    assert words(task.grown(1.0), 0) == words(task, 0)
    assert words(task.grown(0.1), 0) == WHERE
    assert words(first.held_out(), 2) == words(task, 2)


def test_the_example_needs_no_data() -> None:
    example = Babi(data_dir="nowhere").example().splitlines()
    assert example[0].split() == ["words", "mary", "went", "home", ".", "john", "left", ".", "where", "is", "mary", "?"]
    assert example[1].split() == ["targets", "home"]
    assert example[0].index("?") == example[1].index("home")


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"questions must be different numbers from 1 to 20; got \[0\]"):
        Babi(questions=(0,))
    with pytest.raises(ValueError, match="size must be one of en, en-10k; got 'hn'"):
        Babi(size="hn")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="longest_story must be at least 1; got 0"):
        Babi(longest_story=0)
    with pytest.raises(DataError, match="nowhere: there is no such file or folder"):
        _ = Babi(data_dir=str(tmp_path / "nowhere")).table


def test_the_stories_of_another_archive_are_refused(tmp_path: Path, task: Babi) -> None:
    kept = task.resolved()
    assert kept.resolved() is kept
    assert kept.contents is not None
    # The same files in a folder are the same; those of other questions do not matter.
    folder = tmp_path / "unpacked"
    (folder / "en").mkdir(parents=True)
    for name, data in (("qa1_x_train", TRAIN), ("qa1_x_test", TEST), ("qa2_x_test", b"")):
        (folder / "en" / f"{name}.txt").write_bytes(data)
    assert len(replace(kept, data_dir=str(folder)).stories["train"]) == len(task.stories["train"])
    for name, data in (("qa1_x_train", TRAIN), ("qa1_x_test", TEST)):
        (folder / "en" / f"{name}.txt").write_bytes(data.replace(b"Bill", b"Fred"))
        with pytest.raises(
            DataError, match=r"unpacked: it does not hold what .* \(2 files as then, but not the same\)"
        ):
            _ = replace(kept, data_dir=str(folder)).table
        (folder / "en" / f"{name}.txt").write_bytes(data)
