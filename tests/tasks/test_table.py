import numpy as np
import pytest
import torch

from neuraltape.tasks.row import DataError, Row
from neuraltape.tasks.table import MOST_SYMBOLS, Table, make_table


def rows_of(*contents) -> list[Row]:
    """Rows from (inputs, targets, mask) or shorter."""
    rows = []
    for number, content in enumerate(contents, start=1):
        parts = [None if part is None else np.asarray(part) for part in (*content, None, None)[:3]]
        rows.append(Row(f"file, row {number}", *parts))  # type: ignore[arg-type]
    return rows


def table_of(*contents, kind="auto", symbols=None, classes=None) -> Table:
    return make_table("file", rows_of(*contents), kind, symbols, classes)


def test_lists_of_zeros_and_ones_are_bits() -> None:
    table = table_of(([[0.5], [1.5]], [[0, 1], [1, 1]]), ([[2.5]], [[1, 0]]))
    assert table.kind == "bits"
    assert (table.input_size, table.output_size) == (1, 2)
    assert table.inputs.tolist() == [[[0.5], [1.5]], [[2.5], [0.0]]]
    assert table.targets.tolist() == [[[0, 1], [1, 1]], [[1, 0], [0, 0]]]
    assert table.mask.tolist() == [[True, True], [True, False]]
    assert table.lengths.tolist() == [2, 1]
    assert table.inputs.dtype == table.targets.dtype == torch.float32


@pytest.mark.parametrize("targets", [[0.0, 1.0], [False, True], [[0.0], [1.0]], [[0], [1]]])
def test_reals_or_truth_values_of_0_and_1_are_bits_too(targets) -> None:
    table = table_of(([[0.5], [1.5]], targets))
    assert table.kind == "bits"
    assert table.targets.tolist() == [[[0.0], [1.0]]]


def test_whole_numbers_are_classes() -> None:
    table = table_of(([[0.5], [1.5]], [0, 4]), ([[2.5]], [1]))
    assert table.kind == "classes"
    assert table.output_size == 5
    assert table.targets.tolist() == [[0, 4], [1, 0]]
    assert table.targets.dtype == torch.int64


def test_one_class_a_sequence_is_scored_at_its_last_step() -> None:
    table = table_of(([[0.5], [1.5], [0.0]], 2), ([[2.5]], 1))
    assert table.kind == "classes"
    assert table.mask.tolist() == [[False, False, True], [True, False, False]]
    assert table.targets.tolist() == [[0, 0, 2], [1, 0, 0]]
    assert table.output_size == 3


def test_one_real_number_a_sequence_is_a_value_at_its_last_step() -> None:
    table = table_of(([[0.5], [1.5]], 2.5))
    assert table.kind == "values"
    assert table.targets.tolist() == [[[0.0], [2.5]]]
    assert table.mask.tolist() == [[False, True]]


def test_other_numbers_are_values() -> None:
    assert table_of(([[1]], [[0.5]])).kind == "values"
    assert table_of(([[1]], [[2]])).kind == "values"
    assert table_of(([[1]], [0.5])).kind == "values"
    # One row is enough.
    assert table_of(([[1]], [[1]]), ([[1]], [[3]])).kind == "values"
    assert table_of(([[1]], [1]), ([[1]], [1.5])).kind == "values"


def test_the_kind_can_be_said() -> None:
    assert table_of(([[1], [1]], [0, 1]), kind="bits").targets.tolist() == [[[0.0], [1.0]]]
    assert table_of(([[1], [1]], [0, 7]), kind="values").targets.tolist() == [[[0.0], [7.0]]]
    assert table_of(([[1], [1]], [0.0, 7.0]), kind="classes").targets.tolist() == [[0, 7]]
    assert table_of(([[1], [1]], [[0], [1]]), kind="values").kind == "values"


def test_a_mask_chooses_the_steps() -> None:
    table = table_of(([[1], [1]], [0, 1], [False, True]), ([[1], [1], [1]], [0, 1, 1]))
    assert table.mask.tolist() == [[False, True, False], [True, True, True]]


def test_whole_number_inputs_are_symbols() -> None:
    table = table_of(([3, 0], [[0.5], [1.5]]), ([1], [[2.5]]))
    assert table.input_size == 4
    assert table.inputs.dtype == torch.int64
    assert table.inputs.tolist() == [[3, 0], [1, 0]]
    assert table_of(([3, 0], [0, 1]), symbols=10).input_size == 10


def test_a_real_number_a_step_is_one_feature() -> None:
    table = table_of(([3.0, 0.5], [0, 1]))
    assert table.input_size == 1
    assert table.inputs.tolist() == [[[3.0], [0.5]]]


def test_without_targets_the_next_step_is_the_target() -> None:
    bits = table_of(([[0, 1], [1, 1], [1, 0]],), ([[1, 1], [0, 0]],))
    assert bits.kind == "bits"
    assert bits.inputs.tolist() == [[[0, 1], [1, 1]], [[1, 1], [0, 0]]]
    assert bits.targets.tolist() == [[[1, 1], [1, 0]], [[0, 0], [0, 0]]]
    assert bits.lengths.tolist() == [2, 1]
    assert bits.mask.tolist() == [[True, True], [True, False]]

    values = table_of(([[0.5], [1.5]],))
    assert values.kind == "values"
    assert values.targets.tolist() == [[[1.5]]]

    classes = table_of(([2, 0, 5],), ([1, 6],))
    assert classes.kind == "classes"
    assert (classes.input_size, classes.output_size) == (7, 7)
    assert classes.inputs.tolist() == [[2, 0], [1, 0]]
    assert classes.targets.tolist() == [[0, 5], [6, 0]]


def test_next_symbols_share_one_alphabet() -> None:
    for table in (table_of(([2, 0, 5],), symbols=9), table_of(([2, 0, 5],), classes=9)):
        assert (table.input_size, table.output_size, table.follows) == (9, 9, True)


def test_next_whole_numbers_can_be_predicted_as_numbers() -> None:
    assert table_of(([2, 0, 5],), kind="values").targets.tolist() == [[[0.0], [5.0]]]
    assert table_of(([1, 0, 1],), kind="bits").targets.tolist() == [[[0.0], [1.0]]]


def test_a_mask_says_at_which_steps_the_next_is_predicted() -> None:
    table = table_of(([[1], [0], [1]], None, [False, True, True]))
    assert table.mask.tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("contents", "options", "message"),
    [
        ([([[1]], [1]), ([[1]],)], {}, "row 2: targets must be in every row or in none"),
        ([([[1]],), ([[1]], [1])], {}, "row 2: targets must be in every row or in none"),
        (
            [([[1, 2]], [1]), ([[1]], [1])],
            {},
            "row 2: inputs must be 2 features a step as in the first row; got 1 feat",
        ),
        ([([[1]], [1]), ([1], [1])], {}, "row 2: inputs must be 1 feature a step as in the first row; got a number"),
        ([([[1]], [1]), ([[1]], 1)], {}, "row 2: targets must be a number a step as in the first row; got one number"),
        ([([[1]], [[1]]), ([[1]], [[1, 1]])], {}, "row 2: targets must be 1 feature a step"),
        ([([[1], [1]],), ([[1]],)], {}, "row 2: needs two steps or more to predict the next one"),
        ([([[1]], [[0.5]])], {"kind": "bits"}, "row 1: bits must be 0 or 1; got 0.5"),
        (
            [([[1]], [1]), ([[1]], [1.5])],
            {"kind": "classes"},
            "row 2: classes must be whole numbers; got 1.5",
        ),
        (
            [([[1]], [[1, 2]])],
            {"kind": "classes"},
            "row 1: classes must be one a step or one a sequence; got 2 features a step",
        ),
        (
            [([[1]], [0]), ([[1]], [-100])],
            {},
            "row 2: targets must be classes, whole numbers from 0 to 65535; got -100",
        ),
        ([([[1]], [5])], {"classes": 5}, "row 1: targets must be classes, whole numbers from 0 to 4; got 5"),
        ([([5], [1])], {"symbols": 5}, "row 1: inputs must be symbols, whole numbers from 0 to 4; got 5"),
        ([([MOST_SYMBOLS], [1])], {}, "row 1: inputs must be symbols, .*write values as 5.0"),
        ([([1, 5],)], {"classes": 5}, "row 1: targets must be classes, whole numbers from 0 to 4; got 5"),
        ([([[1]], [1], [False])], {}, "^file: nothing is scored"),
    ],
)
def test_rows_that_do_not_fit_are_named(contents, options, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        table_of(*contents, **options)
    assert "\n" not in str(caught.value)


def test_whole_numbers_that_are_to_be_predicted_as_numbers_are_no_symbols() -> None:
    table = table_of(([3, 1, 2],), kind="values")
    assert (table.input_size, table.output_size) == (1, 1)
    assert table.inputs.tolist() == [[[3.0], [1.0]]]
    assert table_of(([3, 1, 2],), kind="classes").inputs.tolist() == [[3, 1]]


def test_small_integers_of_one_array_are_neither_widened_nor_copied() -> None:
    array = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3) % 2
    rows = [Row(f"row {i + 1}", each, None, None) for i, each in enumerate(array)]
    table = make_table("file", rows, "auto", None, None)
    assert (table.kind, table.inputs.dtype, table.targets.dtype) == ("bits", torch.uint8, torch.uint8)
    assert table.inputs.tolist() == array[:, :-1].tolist()
    assert table.targets.tolist() == array[:, 1:].tolist()
    assert table.inputs.data_ptr() == array.ctypes.data
    backwards = make_table("file", rows[::-1], "auto", None, None)
    assert backwards.inputs.tolist() == array[::-1, :-1].tolist()
    some = make_table("file", [rows[0], rows[1], rows[3]], "auto", None, None)
    assert some.inputs.tolist() == array[[0, 1, 3], :-1].tolist()
