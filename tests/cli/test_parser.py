from typing import Literal

import pytest

from neuraltape.cli.parser import describe, with_dashes, with_underscores


@pytest.mark.parametrize(
    ("word", "normal"),
    [
        ("--hidden-size", "--hidden_size"),
        ("--hidden-size=a-b", "--hidden_size=a-b"),
        ("--run_dir", "--run_dir"),
        ("some-file", "some-file"),
        ("-1", "-1"),
        ("-h", "-h"),
    ],
)
def test_only_the_names_of_options_are_changed(word: str, normal: str) -> None:
    assert with_underscores(word) == normal


def test_options_are_shown_with_dashes() -> None:
    assert with_dashes("--hidden_size") == "--hidden-size"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (int, "a whole number"),
        (float | None, "a number or null"),
        (bool, "true or false"),
        (Literal["a", "b"], "one of a, b"),
        (tuple[int, ...], "a list such as [1,2,3]"),
        (str, "text"),
    ],
)
def test_types_are_put_into_words(kind: object, words: str) -> None:
    assert describe(kind) == words
