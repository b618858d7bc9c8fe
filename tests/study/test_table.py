import math

import pytest

from neuraltape.study.table import count_cell, markdown, score_cell, share, spread


@pytest.mark.parametrize(
    "values", [(1.0, 5.0, 2.0, 4.0), (5.0, 1.0, 4.0, 2.0), (2.0, 4.0, 1.0, 5.0), (4.0, 2.0, 5.0, 1.0)]
)
def test_the_order_of_the_seeds_does_not_count(values: tuple[float, ...]) -> None:
    assert spread(values) == (3.0, 5.0)


def test_a_seed_that_never_came_to_it_is_the_worst() -> None:
    assert spread([3.0, None, 1.0]) == (3.0, math.inf)
    assert spread([3.0, 1.0], 3) == (3.0, math.inf)
    assert spread([3.0, 1.0], 4) == (math.inf, math.inf)
    assert spread([3.0, 1.0], 2) == (2.0, 3.0)


def test_without_seeds_there_is_nothing_to_say() -> None:
    assert spread([]) is None
    assert spread([], 2) == (math.inf, math.inf)


def test_cells() -> None:
    assert share(2, 3) == "2 of 3"
    assert [count_cell(value) for value in (None, math.inf, 12345.6, 0)] == ["-", "-", "12,346", "0"]
    assert [score_cell(value) for value in (None, math.inf, 0.12345, 999.9, 12345.6)] == [
        *("-", "-", "0.123", "1e+03", "12,346")
    ]
    assert markdown(("a", "b"), [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"
