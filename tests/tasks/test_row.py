import numpy as np
import pytest

from neuraltape.tasks.row import DataError, Row, bools, check_row, numbers

HERE = "file, row 3"


@pytest.mark.parametrize(
    ("content", "dtype", "shape"),
    [
        ([1, 2], "int64", (2,)),
        ([1, 2.0], "float64", (2,)),
        ([True, False], "bool", (2,)),
        ([[1, 0], [0, 1]], "int64", (2, 2)),
        (np.float32([[1], [2]]), "float64", (2, 1)),
        (np.uint8([1, 2]), "uint8", (2,)),
        (np.int32([1, 2]), "int32", (2,)),
        (np.uint32([1, 2]), "int64", (2,)),
        (4, "int64", ()),
    ],
)
def test_numbers_keep_their_kind(content, dtype: str, shape: tuple[int, ...]) -> None:
    array = numbers(content, HERE, "inputs")
    assert array.dtype == dtype
    assert array.shape == shape


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([[1, 2], [3]], "step 2 has 1, the first has 2"),
        ([[1, 2], 3], "must have 2 features at every step; step 2 is not a list"),
        ([1, [2]], "must be numbers, as a list of steps"),
        (["a", "b"], "must be numbers"),
        ([None, 1], "must be numbers"),
        ("text", "must be numbers"),
        ({"a": 1}, "must be numbers"),
        ([[[1]]], "must be numbers"),
        ([2**70], "must be numbers"),
        ([1j], "must be numbers"),
        ([1.0, float("nan")], "must be finite float32 numbers; got nan at step 2"),
        ([[1.0], [float("-inf")]], "got -inf at step 2"),
        ([1e39], r"got 1e\+39 at step 1"),
        (float("inf"), "got inf$"),
    ],
)
def test_what_is_no_number_is_named_in_one_line(content, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        numbers(content, HERE, "inputs")
    assert str(caught.value).startswith("file, row 3: inputs ")
    assert "\n" not in str(caught.value)


def test_a_mask_is_zeros_and_ones() -> None:
    assert bools([0, 1, 1], HERE).tolist() == [False, True, True]
    for bad in ([0, 2], [[0], [1]], 1):
        with pytest.raises(DataError, match="file, row 3: mask must be a 0 or 1"):
            bools(bad, HERE)


@pytest.mark.parametrize(
    ("inputs", "targets", "mask", "message"),
    [
        (3, None, None, "inputs must be a list of steps; got a single number"),
        ([], None, None, r"inputs must have at least one step and one feature; got shape \(0,\)"),
        ([[], []], None, None, r"got shape \(2, 0\)"),
        ([1, 2], [1], None, "targets must have as many steps as inputs, 2; got 1"),
        ([1, 2], [[1]] * 3, None, "targets must have as many steps as inputs, 2; got 3"),
        ([1, 2], [[], []], None, "targets must have at least one feature"),
        ([1, 2], None, [1], "mask must have as many steps as inputs, 2; got 1"),
        ([1, 2], 1, [1, 1], "a mask needs targets at every step"),
    ],
)
def test_parts_of_a_row_must_fit(inputs, targets, mask, message: str) -> None:
    row = Row(HERE, *(None if part is None else np.asarray(part) for part in (inputs, targets, mask)))
    with pytest.raises(DataError, match=f"file, row 3: .*{message}"):
        check_row(row)
