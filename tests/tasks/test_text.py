"""The user's own text: tokens, windows, the vocabulary."""

import math
from pathlib import Path

import pytest
import torch

from neuraltape.settings import Settings
from neuraltape.tasks import Text
from neuraltape.tasks.row import DataError
from neuraltape.tasks.text import UNKNOWN


def written(folder: Path, text: str, name: str = "a.txt") -> str:
    (folder / name).write_bytes(text.encode())
    return str(folder / name)


def test_each_target_is_the_next_character_and_none_is_left_out(tmp_path: Path) -> None:
    text = "abcabcabca\r\nbd"
    task = Text(written(tmp_path, text), window=4, validation_fraction=0.0)
    table = task.table
    assert table.lengths.tolist() == [4, 4, 4]
    shown, asked = (
        "".join(task.decode(row[mask].tolist()) for row, mask in zip(part, table.mask, strict=True))
        for part in (table.inputs, table.targets)
    )
    text = text.replace("\r", "")
    assert (shown, asked) == (text[:-1], text[1:])
    assert task.known == ("a", "b", "c", "\n", "d")
    assert (task.input_size, task.output_size, task.target_kind, task.predicts_next) == (6, 6, "classes", True)


def test_the_vocabulary_is_that_of_the_training_text_and_the_last_windows_are_kept(tmp_path: Path) -> None:
    task = Text(written(tmp_path, "abab" * 4 + "cdcd" + "e"), window=4, test_fraction=0.2, validation_fraction=0.2)
    assert {name: rows.tolist() for name, rows in task.parts.items()} == {
        "training": [0, 1, 2],
        "validation": [4],
        "test": [3],
    }
    assert task.known == ("a", "b")
    assert task.table.inputs[4].tolist() == [0] * 4
    assert task.unknown_share(task.parts["validation"]) == 1
    assert task.unknown_share(task.parts["training"]) == 0


def test_words_with_their_spaces_put_together_are_the_text(tmp_path: Path) -> None:
    text = "The cat, the  cat!\n\tA cat's ... naïve"
    task = Text(written(tmp_path, text), unit="words", validation_fraction=0.0, most_tokens=2)
    assert "".join(task.pieces(text)) == text
    assert task.known == (" cat", "\t") or task.known[0] == " cat"
    assert len(task.known) == 2
    assert task.decode(task.encode("a cat").tolist()) == f"{UNKNOWN} cat"
    assert task.characters_per_token == len(text) / len(task.pieces(text))


def test_the_vocabulary_is_kept_with_the_settings_whatever_its_tokens_are(tmp_path: Path) -> None:
    text = "yes no 1 1.5 null ~ # 'a' \"b\" : - [x] {y} \u0085 \u2028 é 中 \x00" * 2
    for unit in ("characters", "words"):
        task = Text(written(tmp_path, text), unit=unit, validation_fraction=0.0).resolved()
        Settings(task=task).save(tmp_path / "config.yaml")
        again = Settings.load(tmp_path / "config.yaml").task
        assert isinstance(again, Text)
        assert again.vocabulary == task.known
    # Another text is read with it.
    other = again.of_file(written(tmp_path, "no other", "b.txt"))
    assert other.known == task.known
    assert other.encode("other").tolist()[0] in (0, other.encode(" no")[-1].item())
    inputs, lengths = again.read_inputs(written(tmp_path, "no yes", "b.txt"), task.input_size)
    # A word that begins a text is one that follows a space.
    assert (task.decode(inputs[0].tolist()), lengths.tolist()) == (" no", [1])


def test_a_text_of_the_validation_is_read_after_the_others(tmp_path: Path) -> None:
    validation = written(tmp_path, "bab", "b.txt")
    task = Text(written(tmp_path, "aabbaabb"), validation=validation, window=3)
    assert task.parts["validation"].tolist() == [3]
    batch = task.held_out().sample(1, torch.Generator())
    assert task.decode(batch.targets[:, 0].tolist()) == "ab"
    # All logits alike cost the logarithm of the vocabulary's size.
    score = task.score(torch.zeros(2, 1, 3), batch)
    assert score.bits.item() == pytest.approx(2 * math.log2(3))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a", {}, "a.txt: expected two characters or more; got 1"),
        ("ab", {"unit": "words"}, "a.txt: expected two words or more; got 1"),
        ("ab", {"unit": "bytes"}, "unit must be characters or words; got 'bytes'"),
        ("ab", {"window": 0}, "window must be an integer of at least 1; got 0"),
        ("ab", {"vocabulary": ["a", "a"]}, "vocabulary must be different tokens"),
        ("ab", {"validation": "b.csv"}, "b.csv: expected a text file that ends in .txt"),
        ("ab", {"test": "no.txt"}, "no.txt: cannot be read"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, text: str, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Text(written(tmp_path, text), **options).prepare()


def test_a_text_that_no_memory_holds_is_refused_unread(tmp_path: Path) -> None:
    with open(tmp_path / "large.txt", "wb") as file:
        file.truncate(2**40)
    with pytest.raises(DataError, match=r"large.txt: expected at most 134,217,728 bytes of text; it has 1,099,511,627"):
        Text(str(tmp_path / "large.txt")).table  # noqa: B018 (a property that reads)


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfea\x00")
    with pytest.raises(DataError, match="expected text in UTF-8"):
        Text(str(tmp_path / "a.txt")).prepare()


def test_another_text_under_the_same_name_is_refused(tmp_path: Path) -> None:
    task = Text(written(tmp_path, "to be or not"), validation=written(tmp_path, "to be", "b.txt"), window=4).resolved()
    Settings(task).save(tmp_path / "config.yaml")
    Settings.load(tmp_path / "config.yaml").task.prepare()
    for name, text in (("a.txt", "to be or nor"), ("b.txt", "to be or")):
        before = (tmp_path / name).read_text()
        written(tmp_path, text, name)
        with pytest.raises(DataError, match=f"{name}: it does not hold what the run has learned from"):
            Settings.load(tmp_path / "config.yaml").task.prepare()
        written(tmp_path, before, name)
