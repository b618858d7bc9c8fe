import re
from typing import Literal

import pytest

from neuraltape.cli.errors import UsageError
from neuraltape.cli.parser import Parser, with_dashes, with_underscores
from neuraltape.settings.fields import describe


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
        (tuple[int, ...], "numbers such as 1 2 3 or [1,2,3]"),
        (tuple[str, ...] | None, "names such as a b or [a,b] or null"),
        (str, "text"),
    ],
)
def test_types_are_put_into_words(kind: object, words: str) -> None:
    assert describe(kind) == words


@pytest.fixture
def parser() -> Parser:
    parser = Parser("neuraltape try", "Tries.")
    parser.add_argument("word", type=str)
    parser.add_argument("--count", type=int | None, default=None, at_least=1, below=10)
    parser.add_argument("--rate", type=float, default=0.5)
    parser.add_argument("--lengths", type=int, nargs="+", default=[2], at_least=1)
    parser.add_argument("--offsets", type=tuple[int, ...], default=(0,))
    parser.add_argument("--names", type=tuple[str, ...] | None, default=None)
    parser.add_argument("--name", type=str, default="")
    parser.add_argument("--weights", type=tuple[float, ...] | Literal["balanced"] | None, default=None)
    return parser


@pytest.mark.parametrize(
    ("words", "value"),
    [(["1,5"], [1, 5]), (["1", "5"], [1, 5]), (["[1,5]"], [1, 5]), (["balanced"], "balanced"), (["null"], None)],
)
def test_what_may_be_a_list_or_a_word_is_written_as_either(parser: Parser, words: list[str], value: object) -> None:
    found = parser.parse(["x", "--weights", *words]).weights
    assert (list(found) if isinstance(found, tuple) else found) == value


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--count", "0"], "--count must be at least 1 and below 10; got 0"),
        (["--count=10"], "--count must be at least 1 and below 10; got 10"),
        (["--lengths", "3", "0"], "--lengths must be at least 1; got 0"),
        (["--rate", "1e400"], "--rate must be finite; got inf"),
        (["--rate=-1e400"], "--rate must be finite; got -inf"),
        # To YAML these are 16, 8, 90 and 10.
        (["--count", "0x10"], "--count must be a whole number or null in decimal figures; got '0x10'"),
        (["--count=010"], "in decimal figures; got '010'"),
        (["--lengths", "1", "1:30"], "--lengths must be a whole number in decimal figures; got '1:30'"),
        (["--rate", "0b1"], "in decimal figures; got '0b1'"),
        (["--count", "1_0"], "in decimal figures; got '1_0'"),
        (["--offsets", "[0,-0x1]"], "in decimal figures; got '-0x1'"),
    ],
)
def test_numbers_beyond_their_bounds_or_in_other_figures_are_refused(
    parser: Parser, words: list[str], message: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        parser.parse(["word", *words])


def test_numbers_in_decimal_figures_and_words_that_look_like_others_are_taken(parser: Parser) -> None:
    words = ["0x10", "--count", "9", "--rate", "1.5e-3", "--lengths", "1", "20", "--offsets=[-1,0]", "--name", "010"]
    values = vars(parser.parse(words))
    assert values["word"] == "0x10"
    assert (values["count"], values["rate"], values["lengths"]) == (9, 0.0015, [1, 20])
    assert (values["offsets"], values["name"]) == ((-1, 0), "010")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--names", "a", "b"], ("a", "b")),
        (["--names", "a,b"], ("a", "b")),
        (["--names=a,b"], ("a", "b")),
        (["--names", "a,", "1"], ("a", "", "1")),
        (["--names", '["a","b"]'], ("a", "b")),
        (["--names=[a, b]"], ("a", "b")),
        (["--names", "the x", "#2: y", "yes"], ("the x", "#2: y", "yes")),
        (["--names", "null"], None),
        (["--names", "a", "--name", "b"], ("a",)),
    ],
)
def test_a_list_of_names_is_words_or_has_commas_or_is_yaml(parser: Parser, words: list[str], names: object) -> None:
    assert parser.parse(["word", *words]).names == names


def test_a_list_of_numbers_is_words_or_has_commas_or_is_yaml(parser: Parser) -> None:
    for words in (["--offsets", "-1", "0"], ["--offsets", "-1,0"], ["--offsets=-1,0"], ["--offsets", "[-1,0]"]):
        assert parser.parse(["word", *words]).offsets == (-1, 0)
    assert parser.parse(["--offsets", "[-1,0]", "word"]).word == "word"
    with pytest.raises(UsageError, match=re.escape("--offsets must be numbers such as 1 2 3 or [1,2,3]; got")):
        parser.parse(["word", "--offsets", "a"])
    with pytest.raises(UsageError, match="--names needs"):
        parser.parse(["word", "--names"])
