"""Sequences of one kind in padded tensors: what a user's file becomes before batches are drawn from it."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from neuraltape.printed import record_repr
from neuraltape.tasks.block import CHUNK, Block
from neuraltape.tasks.joined import Joined
from neuraltape.tasks.row import DataError, Row, numbers
from neuraltape.tasks.stored import Drawn, Stored, lean_dtype

Kind = Literal["bits", "classes", "values", "digits"]
Predicts = Literal["auto", "targets", "next"]
Scored = Literal["all", "last"]
# What a file's targets can be.
KINDS: tuple[Kind, ...] = ("bits", "classes", "values")

# More symbols than this are more likely a mistake (values written as integers) than a vocabulary.
MOST_SYMBOLS = 65536


class Table(NamedTuple):
    """All sequences, sequences first here.

    Integers are as small as the file has them: what is drawn becomes float32 and int64. What stands past a sequence's
    length may be anything: what is drawn has zeros there.
    """

    kind: Kind
    """What the targets are."""
    inputs: Tensor | Drawn | Joined
    """What goes in: (sequences, time, features) numbers, or symbols: (sequences, time) integers."""
    targets: Tensor | Drawn | Joined
    """What has to come out: (sequences, time, features) numbers; classes: (sequences, time) integers."""
    mask: Tensor
    """The steps that are scored, (sequences, time) bool."""
    lengths: Tensor
    """The steps of each sequence, (sequences,) int64."""
    input_size: int
    """Features of a step, or symbols."""
    output_size: int
    """Features of a target, or classes."""
    follows: bool = False
    """Whether each step's target is the next step's input."""

    __repr__ = record_repr


def make_table(
    path: str,
    rows: list[Row],
    kind: Kind | Literal["auto"],
    symbols: int | None,
    classes: int | None,
    predicts: Predicts = "auto",
    scored: Scored = "all",
) -> Table:
    """Check the rows against each other, find out what kind their targets are, and pad them.

    Args:
        path: the file's name, for messages.
        rows: at least one.
        kind: what the targets are, or "auto".
        symbols, classes: their numbers; None: one more than the largest in the rows.
        predicts: the rows' targets, or the next step's inputs; "auto": the targets where there are some.
        scored: "all" that the rows' masks leave, or of each row's only the "last" of these.

    Raises:
        DataError: rows that differ in shape, or that are not of the kind asked for.
    """
    if predicts == "next":
        rows = [row._replace(targets=None) for row in rows]
    _check_alike(rows)
    if predicts == "targets" and rows[0].targets is None:
        raise DataError(f"{rows[0].place}: no targets")
    given = rows[0].targets is not None
    if not given and kind == "classes":
        # What goes in and what comes next share one alphabet.
        rows = [row._replace(inputs=_symbols(row)) for row in rows]
    # Whole numbers, one a step, are symbols; unless they themselves are to be predicted as numbers.
    as_symbols = rows[0].inputs.ndim == 1 and _are_integers([row.inputs for row in rows])
    as_symbols &= given or kind in ("auto", "classes")
    if as_symbols:
        input_size = _alphabet([(row.place, row.inputs) for row in rows], symbols, "inputs", "symbols")
    else:
        rows = [row._replace(inputs=_columns(row.inputs)) for row in rows]
        input_size = rows[0].inputs.shape[1]

    goals = [_goal(row) for row in rows]
    if scored == "last":
        goals = [goal._replace(mask=_last(goal.mask)) for goal in goals]
    found = _find_kind(goals) if kind == "auto" else kind
    if found == "classes":
        # A list of one around a class says nothing more than the class.
        goals = [each._replace(targets=each.targets[:, 0]) if _single(each) else each for each in goals]
        _check_whole(goals)
        known = classes if classes is not None or given else input_size
        output_size = _alphabet([(goal.place, goal.targets) for goal in goals], known, "targets", "classes")
        if not given:
            input_size = output_size = max(input_size, output_size)
    else:
        goals = [goal._replace(targets=_columns(goal.targets)) for goal in goals]
        output_size = goals[0].targets.shape[1]
        if found == "bits":
            _check_bits(goals)
    mask = _pad([goal.mask for goal in goals])
    if not mask.any():
        raise DataError(f"{path}: nothing is scored; the masks are 0 everywhere")
    return Table(
        found,
        _pad([row.inputs[: len(goal.mask)] for row, goal in zip(rows, goals, strict=True)]),
        _pad([goal.targets for goal in goals]),
        mask,
        torch.tensor([len(goal.mask) for goal in goals]),
        input_size,
        output_size,
        not given,
    )


def table_of_block(
    path: str,
    block: Block,
    kind: Kind | Literal["auto"],
    symbols: int | None,
    classes: int | None,
    predicts: Predicts = "auto",
    scored: Scored = "all",
) -> Table:
    """What `make_table` gives for the rows of a block, whose numbers are looked at in parts and stay where they are.

    Args:
        path, kind, symbols, classes, predicts, scored: those of `make_table`.
        block: the rows.

    Raises:
        DataError: something is wrong; `make_table` says with which row.
    """
    inputs, targets, lengths, mask = block._replace(targets=None) if predicts == "next" else block
    given = targets is not None
    if (predicts == "targets" and not given) or (not given and lengths.min() < 2):
        raise DataError(f"{path}: no targets, or a single step")
    for part in _inside(inputs, lengths):
        numbers(part.reshape(len(part), -1), path, "inputs")
    as_symbols = inputs.ndim == 2 and inputs.dtype.kind in "iu" and (given or kind in ("auto", "classes"))
    if not given and kind == "classes" and not as_symbols:
        raise DataError(f"{path}: classes that follow each other must be whole numbers, one a step")
    input_size = inputs.shape[2] if inputs.ndim == 3 else 1
    if as_symbols:
        input_size = _alphabet([(path, part) for part in _inside(inputs, lengths)], symbols, "inputs", "symbols")
    if targets is None:
        inputs, goal = inputs.seen(slice(-1)), inputs.seen(slice(1, None))
        lengths, mask = lengths - 1, None if mask is None else mask[:, :-1]
    else:
        goal = _at_ends(targets.whole(), lengths, inputs.shape[1]) if targets.ndim == 1 else targets
    longest = int(lengths.max())
    shown = inputs.seen(slice(longest))
    goal = goal.seen(slice(longest)) if isinstance(goal, Stored) else goal[:, :longest]
    inside = np.arange(longest) < lengths[:, None]
    counted = inside if mask is None else inside & mask[:, :longest]
    if scored == "last" or (targets is not None and targets.ndim == 1):
        counted = _last_of_each(counted)
    for part in _inside(goal, lengths):
        numbers(part.reshape(len(part), -1), path, "targets")
    if kind != "auto":
        found = kind
    elif goal.ndim == 2 and goal.dtype.kind in "iu":
        found = "classes"
    else:
        found = "bits" if all(np.isin(part, (0, 1)).all() for part in _inside(goal, lengths)) else "values"
    if found == "classes":
        goal = goal.flat() if isinstance(goal, Stored) and goal.ndim == 3 and goal.shape[2] == 1 else goal
        for part in _inside(goal, lengths):
            _check_whole([_Goal(path, part, np.empty(0))])
        known = classes if classes is not None or given else input_size
        output_size = _alphabet([(path, part) for part in _inside(goal, lengths)], known, "targets", "classes")
        if not given:
            input_size = output_size = max(input_size, output_size)
    else:
        if goal.ndim == 2:
            goal = goal.columns() if isinstance(goal, Stored) else goal[:, :, None]
        output_size = goal.shape[2]
        if found == "bits":
            for part in _inside(goal, lengths):
                _check_bits([_Goal(path, part, np.empty(0))])
    if not counted.any():
        raise DataError(f"{path}: nothing is scored")
    shown = Drawn(shown if as_symbols or shown.ndim == 3 else shown.columns())
    wanted = Drawn(goal) if isinstance(goal, Stored) else _lean(goal)
    tensors = (shown, wanted, torch.from_numpy(counted), torch.from_numpy(lengths))
    return Table(found, *tensors, input_size, output_size, not given)


def joined(tables: Sequence[Table]) -> Table | None:
    """The rows of several tables as those of one, which lie where they lay; None: they don't go together.

    Values may all be 0 or 1 in one of the files.
    """
    first, *others = tables
    if not others:
        return first
    if {each.kind for each in tables} == {"bits", "values"}:
        tables = [each._replace(kind="values") for each in tables]
        first = tables[0]
    if len({_form(each) for each in tables}) > 1:
        return None
    longest = max(each.mask.shape[1] for each in tables)
    masks = [torch.nn.functional.pad(each.mask, (0, longest - each.mask.shape[1])) for each in tables]
    return first._replace(
        inputs=Joined([each.inputs for each in tables]),
        targets=Joined([each.targets for each in tables]),
        mask=torch.cat(masks),
        lengths=torch.cat([each.lengths for each in tables]),
        input_size=max(each.input_size for each in tables),
        output_size=max(each.output_size for each in tables),
    )


def unlike(paths: Sequence[str], tables: Sequence[Table]) -> str:
    """What doesn't go together in the files of tables that cannot be `joined`."""
    first, *others = zip(paths, tables, strict=True)
    path, other = next(each for each in others if _form(each[1]) != _form(first[1]))
    return f"{path}: expected {_contents(first[1])}, as in {first[0]}; got {_contents(other)}"


def _form(table: Table) -> tuple[object, ...]:
    """What tables have to have in common."""
    symbols, classes = table.inputs.dim() == 2, table.kind == "classes"
    sizes = (None if symbols else table.input_size, None if classes else table.output_size)
    return (table.kind, symbols, table.targets.dim(), table.follows, *sizes)


def _contents(table: Table) -> str:
    """What goes in and what comes out."""
    symbols, classes = table.inputs.dim() == 2, table.kind == "classes"
    shown = f"one of {table.input_size:,} symbols" if symbols else features(table.input_size)
    goal = f"one of {table.output_size:,} classes" if classes else f"{table.output_size:,} {table.kind}"
    return f"{shown} in and {goal} out a step{', which follow in the inputs' if table.follows else ''}"


def _inside(array: np.ndarray | Stored, lengths: np.ndarray) -> Iterator[np.ndarray]:
    """All steps of (sequences, time, ...) that are no padding, as (steps, ...), in parts that fit a cache."""
    for start in range(0, len(array), CHUNK):
        part, ends = array[start : start + CHUNK], lengths[start : start + CHUNK]
        yield part[np.arange(part.shape[1]) < ends[:, None]]


def _at_ends(targets: np.ndarray, lengths: np.ndarray, time: int) -> np.ndarray:
    """One target a sequence at its last step, 0 before it: (sequences, time)."""
    # Whole numbers as small as they can be: there are as many as there are steps.
    if targets.dtype.kind in "iu" and targets.min() >= 0 and targets.max() <= np.iinfo(np.int32).max:
        targets = targets.astype(np.uint8 if targets.max() <= np.iinfo(np.uint8).max else np.int32)
    goal = np.zeros((len(targets), time), targets.dtype)
    goal[np.arange(len(targets)), lengths - 1] = targets
    return goal


def _last_of_each(counted: np.ndarray) -> np.ndarray:
    """The last scored step of each sequence alone, (sequences, time)."""
    rows, last = np.arange(len(counted)), counted.shape[1] - 1 - counted[:, ::-1].argmax(1)
    found = np.zeros_like(counted)
    found[rows, last] = counted[rows, last]
    return found


def _lean(array: np.ndarray) -> Tensor:
    """An array as `_pad` would keep it, itself where that is so."""
    return torch.from_numpy(array.astype(lean_dtype(array), copy=False))


def make_inputs(rows: list[Row], size: int, *, symbols: bool) -> tuple[Tensor, Tensor]:
    """The inputs alone, for a machine that has learned: padded like a table's, and the steps of each sequence.

    Args:
        rows: at least one; targets and masks are passed over.
        size: features of a step, or how many symbols there are.
        symbols: which of both.

    Raises:
        DataError: a row whose inputs are others.
    """
    rows = [row._replace(targets=None, mask=None) for row in rows]
    for row in rows:
        single = row.inputs.ndim == 1
        if not symbols and (1 if single else row.inputs.shape[1]) != size:
            raise DataError(f"{row.place}: inputs must be {features(size)} a step; got {_shape(row.inputs)}")
    if symbols:
        rows = [
            row._replace(inputs=_symbols(row, f"inputs must be a whole number a step, from 0 to {size - 1}"))
            for row in rows
        ]
        _alphabet([(row.place, row.inputs) for row in rows], size, "inputs", "symbols")
    arrays = [row.inputs if symbols else _columns(row.inputs) for row in rows]
    return _pad(arrays), torch.tensor([len(each) for each in arrays])


def inputs_of_block(path: str, block: Block, size: int, *, symbols: bool) -> tuple[Tensor, Tensor]:
    """What `make_inputs` gives for the rows of a block, as small as tensors hold them.

    Raises:
        DataError: something is wrong; `make_inputs` says with which row.
    """
    lengths = block.lengths
    inputs = block.inputs.seen(slice(int(lengths.max())))
    if symbols and inputs.ndim == 3 and inputs.shape[2] == 1:
        inputs = inputs.flat()
    elif not symbols and inputs.ndim == 2:
        inputs = inputs.columns()
    if symbols != (inputs.ndim == 2) or (not symbols and inputs.shape[2] != size):
        wanted = "a symbol" if symbols else features(size)
        raise DataError(f"{path}: inputs must be {wanted} a step; got shape {block.inputs.shape}")
    for part in _inside(inputs, lengths):
        part = numbers(part.reshape(len(part), -1), path, "inputs")
        if symbols and (part != np.floor(part)).any():
            raise DataError(f"{path}: inputs must be a whole number a step")
        if symbols:
            _alphabet([(path, part)], size, "inputs", "symbols")
    whole = symbols and inputs.dtype.kind not in "iu"
    found = np.zeros(inputs.shape, np.int64 if whole else lean_dtype(inputs))
    for start in range(0, len(inputs), CHUNK):
        part, ends = inputs[start : start + CHUNK], lengths[start : start + CHUNK]
        inside = np.arange(part.shape[1]) < ends[:, None]
        found[start : start + CHUNK][inside] = part[inside]
    block.inputs.file.check()
    return torch.from_numpy(found), torch.from_numpy(lengths)


def _symbols(row: Row, wanted: str = "classes that follow each other must be whole numbers, one a step") -> np.ndarray:
    """A row's inputs as symbols, (time,) integers, also where they stand in lists of one or are written as reals.

    Raises:
        DataError: they are none; it says what is `wanted`.
    """
    inputs = row.inputs[:, 0] if row.inputs.ndim == 2 and row.inputs.shape[1] == 1 else row.inputs
    if inputs.ndim != 1:
        raise DataError(f"{row.place}: {wanted}; got {_shape(inputs)}")
    broken = inputs[inputs != np.floor(inputs)] if inputs.dtype.kind == "f" else inputs[:0]
    if len(broken):
        raise DataError(f"{row.place}: {wanted}; got {broken[0]}")
    return inputs if inputs.dtype.kind in "iu" else inputs.astype(np.int64)


class _Goal(NamedTuple):
    """What a row asks for at each of its steps."""

    place: str
    targets: np.ndarray
    mask: np.ndarray

    __repr__ = record_repr


def _goal(row: Row) -> _Goal:
    """Targets for every step: the row's own, its only one at the last step, or the inputs one step on."""
    time = len(row.inputs)
    mask = _everywhere(time) if row.mask is None else row.mask
    if row.targets is None:
        if time < 2:
            raise DataError(f"{row.place}: needs two steps or more to predict the next one (there are no targets)")
        return _Goal(row.place, row.inputs[1:], mask[:-1])
    if row.targets.ndim == 0:
        mask = np.arange(time) == time - 1
        return _Goal(row.place, np.where(mask, row.targets, np.zeros_like(row.targets)), mask)
    return _Goal(row.place, row.targets, mask)


def _last(mask: np.ndarray) -> np.ndarray:
    """A mask that leaves the last scored step alone."""
    after = np.cumsum(mask[::-1])[::-1]
    return mask & (after == 1)


def _everywhere(time: int) -> np.ndarray:
    """A mask that scores all of so many steps; it takes one byte, however many there are."""
    return np.broadcast_to(np.True_, time)


def _find_kind(goals: list[_Goal]) -> Kind:
    """Whole numbers without a feature axis are classes; otherwise zeros and ones are bits, the rest values."""
    if goals[0].targets.ndim == 1 and _are_integers([goal.targets for goal in goals]):
        return "classes"
    return "bits" if all(np.isin(goal.targets, (0, 1)).all() for goal in goals) else "values"


def _check_alike(rows: list[Row]) -> None:
    """Raise DataError at the first row that doesn't have the shape of the first one."""
    for row in rows:
        for name in ("inputs", "targets"):
            array, model = getattr(row, name), getattr(rows[0], name)
            if (array is None) != (model is None):
                raise DataError(f"{row.place}: {name} must be in every row or in none; the first row differs")
            if array is not None and (array.ndim != model.ndim or array.shape[1:] != model.shape[1:]):
                raise DataError(f"{row.place}: {name} must be {_shape(model)} as in the first row; got {_shape(array)}")


def features(count: int) -> str:
    """So many features, in words."""
    return f"{count:,} feature" + ("" if count == 1 else "s")


def _shape(array: np.ndarray) -> str:
    if array.ndim == 2:
        return f"{features(array.shape[1])} a step"
    return "a number a step" if array.ndim else "one number"


def _single(goal: _Goal) -> bool:
    return goal.targets.ndim == 2 and goal.targets.shape[1] == 1


def _check_whole(goals: list[_Goal]) -> None:
    for goal in goals:
        if goal.targets.ndim == 2:
            raise DataError(f"{goal.place}: classes must be one a step or one a sequence; got {_shape(goal.targets)}")
        broken = goal.targets[goal.targets != np.floor(goal.targets)]
        if len(broken):
            raise DataError(f"{goal.place}: classes must be whole numbers; got {broken[0]}")


def _check_bits(goals: list[_Goal]) -> None:
    for goal in goals:
        bad = goal.targets[~np.isin(goal.targets, (0, 1))]
        if len(bad):
            raise DataError(f"{goal.place}: bits must be 0 or 1; got {bad[0]}")


def _alphabet(arrays: list[tuple[str, np.ndarray]], given: int | None, name: str, noun: str) -> int:
    """How many symbols or classes there are, `given` or one more than the largest; checked."""
    most = MOST_SYMBOLS if given is None else given
    largest = 0
    for place, array in arrays:
        low, high = int(array.min()), int(array.max())
        if low < 0 or high >= most:
            # Reals have been called classes.
            hint = " (write values as 5.0, or as a list a step)" if array.dtype.kind in "iu" else ""
            bounds = f"whole numbers from 0 to {most - 1}; got {low if low < 0 else high}"
            raise DataError(f"{place}: {name} must be {noun}, {bounds}{hint}")
        largest = max(largest, high)
    return largest + 1 if given is None else given


def _are_integers(arrays: list[np.ndarray]) -> bool:
    return all(array.dtype.kind in "iu" for array in arrays)


def _columns(array: np.ndarray) -> np.ndarray:
    """(time, features), where a number a step is one feature."""
    return array if array.ndim == 2 else array[:, None]


def _pad(arrays: list[np.ndarray]) -> Tensor:
    """Arrays of different lengths over each other, zeros at their ends: (sequences, longest, ...).

    Reals become float32, and so do features of eight bytes. Other whole numbers stay as they are, and are not copied
    where they are rows of one array.
    """
    kinds = {array.dtype for array in arrays}
    (dtype,) = kinds if len(kinds) == 1 else {np.result_type(*kinds)}
    if dtype.kind == "f" or (dtype == np.int64 and arrays[0].ndim == 2):
        dtype = np.dtype(np.float32)
    elif (whole := _whole(arrays)) is not None:
        return torch.from_numpy(whole)
    padded = np.zeros((len(arrays), max(map(len, arrays)), *arrays[0].shape[1:]), dtype)
    for i, array in enumerate(arrays):
        padded[i, : len(array)] = array
    return torch.from_numpy(padded)


def _whole(arrays: list[np.ndarray]) -> np.ndarray | None:
    """The array that these are rows of, one after the other; None: there is none."""
    first = arrays[0]
    if len(arrays) < 2 or first.base is None:
        return None
    alike = (first.shape, first.strides, first.dtype)
    if any(each.base is not first.base or (each.shape, each.strides, each.dtype) != alike for each in arrays):
        return None
    places = np.fromiter((each.__array_interface__["data"][0] for each in arrays), np.int64, len(arrays))
    (*distances,) = set(np.diff(places).tolist())
    if len(distances) > 1 or distances[0] <= 0:
        return None
    return np.lib.stride_tricks.as_strided(first, (len(arrays), *first.shape), (*distances, *first.strides))
