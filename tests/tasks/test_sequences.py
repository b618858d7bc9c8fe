import json
import math
import pickle
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from neuraltape.settings import Settings
from neuraltape.tasks import DataError, Sequences
from neuraltape.tasks.files import read_rows
from neuraltape.tasks.table import make_inputs
from tests.tasks.oracle import bit_cost, check_uniform, readers, seeded


def numbered(folder: Path, count: int, *, time: int = 4, **options) -> Sequences:
    """A task whose inputs tell the row they come from; lengths go 1, 2, ..., time, 1, ..."""
    inputs = np.broadcast_to(np.arange(count, dtype=float)[:, None, None] + 1, (count, time, 1))
    lengths = np.arange(count) % time + 1
    np.savez(folder / "data.npz", inputs=inputs, targets=inputs / 10, lengths=lengths)
    return Sequences(str(folder / "data.npz"), **options)


def drawn(task: Sequences, size: int, seed: int = 0, **options) -> list[int]:
    """The rows, from 0, that a batch holds."""
    return [int(row) - 1 for row in task.sample(size, seeded(seed), **options).inputs[0, :, 0]]


def write(folder: Path, *rows) -> str:
    path = folder / "data.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def test_a_batch_holds_rows_of_the_file_padded_to_the_longest_drawn(tmp_path: Path) -> None:
    task = numbered(tmp_path, 40)
    batch = task.sample(8, seeded())
    for row in readers(batch):
        number = row.inputs[0][0]
        assert row.length == (number - 1) % 4 + 1
        assert row.inputs == [[number]] * row.length
        assert row.targets == [[pytest.approx(number / 10)]] * row.length
        assert row.mask == [True] * row.length
    assert task.sample(1, seeded(), lengths=2).inputs.shape == (2, 1, 1)


def test_the_same_generator_state_gives_the_same_batch(tmp_path: Path) -> None:
    task = numbered(tmp_path, 40)
    assert drawn(task, 10, seed=1) == drawn(task, 10, seed=1)
    assert drawn(task, 10, seed=1) != drawn(task, 10, seed=2)


def test_rows_held_out_are_never_trained_on(tmp_path: Path) -> None:
    task = numbered(tmp_path, 40)
    training, held = set(drawn(task, 200)), set(drawn(task.held_out(), 200))
    assert len(training) == 36
    assert len(held) == 4
    assert training | held == set(range(40))
    assert set(drawn(task.held_out().held_out(), 200)) == held


def test_the_split_depends_on_its_seed_alone(tmp_path: Path) -> None:
    held = [set(numbered(tmp_path, 40, split_seed=seed).held_out().rows.tolist()) for seed in (0, 0, 1)]
    assert held[0] == held[1] != held[2]


@pytest.mark.parametrize(("fraction", "count", "held"), [(0.5, 7, 4), (0.01, 7, 1), (0.99, 7, 6), (0.25, 2, 1)])
def test_each_side_of_the_split_has_rows(tmp_path: Path, fraction: float, count: int, held: int) -> None:
    task = numbered(tmp_path, count, validation_fraction=fraction)
    assert len(task.held_out().rows) == held
    assert len(task.rows) == count - held


def test_with_nothing_held_out_evaluation_is_on_the_training_rows(tmp_path: Path) -> None:
    for task in (numbered(tmp_path, 5, validation_fraction=0.0), numbered(tmp_path, 1)):
        assert task.held_out().rows.tolist() == task.rows.tolist() == list(range(len(task.table.lengths)))


def test_no_row_is_drawn_twice_before_each_was_drawn_once(tmp_path: Path) -> None:
    task = numbered(tmp_path, 10, validation_fraction=0.0)
    assert len(set(drawn(task, 7))) == 7
    assert sorted(Counter(drawn(task, 25)).values()) == [2] * 5 + [3] * 5


def test_every_row_is_drawn_equally_often(tmp_path: Path) -> None:
    task = numbered(tmp_path, 10, validation_fraction=0.0)
    generator = seeded()
    firsts = torch.cat([task.sample(1, generator).inputs[0, :, 0] for _ in range(3000)])
    check_uniform(firsts.long() - 1, 0, 9)


def test_lengths_choose_rows(tmp_path: Path) -> None:
    task = numbered(tmp_path, 40)
    assert {row % 4 for row in drawn(task, 20, lengths=3)} == {2}
    wanted = torch.tensor([1, 4, 4, 2, 1])
    assert [row % 4 + 1 for row in drawn(task, 5, lengths=wanted)] == wanted.tolist()
    assert task.sample(5, seeded(), lengths=wanted).lengths.tolist() == wanted.tolist()


def test_at_length_and_grown_narrow_the_rows(tmp_path: Path) -> None:
    task = numbered(tmp_path, 40)
    assert (task.shortest, task.longest) == (1, 4)
    fixed = task.at_length(3)
    assert (fixed.shortest, fixed.longest) == (3, 3)
    assert set(drawn(fixed, 50)) < set(task.rows.tolist())
    half = task.grown(0.5)
    assert (half.shortest, half.longest) == (1, 2)
    assert task.grown(0.0).longest == 1
    assert task.grown(1.0).rows.tolist() == task.rows.tolist()
    assert task.longest_only().shortest == 4


def test_a_length_that_no_row_has_is_an_error(tmp_path: Path) -> None:
    task = numbered(tmp_path, 40)
    for make in (lambda: task.at_length(9), lambda: task.sample(2, seeded(), lengths=9)):
        with pytest.raises(ValueError, match="no sequence of length 9 among these rows; the nearest is 4"):
            make()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "class"}, "kind must be auto, bits, classes, values; got 'class'"),
        ({"validation_fraction": 1.0}, "validation_fraction must be at least 0 and below 1; got 1.0"),
        ({"validation_fraction": math.nan}, "validation_fraction must be"),
        ({"split_seed": -1}, "split_seed must be an integer of at least 0; got -1"),
        ({"symbols": 0}, "symbols must be an integer of at least 1; got 0"),
        ({"classes": 2.5}, "classes must be an integer of at least 1; got 2.5"),
    ],
)
def test_an_option_that_cannot_be_is_an_error(tmp_path: Path, options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        numbered(tmp_path, 3, **options)


def test_a_batch_size_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="batch_size must be an integer of at least 1; got 0"):
        numbered(tmp_path, 3).sample(0, seeded())


def test_a_bad_file_is_said_before_the_first_batch(tmp_path: Path) -> None:
    task = Sequences(write(tmp_path, {"inputs": [[1.0]], "targets": 1}, {"inputs": [[math.nan]], "targets": 1}))
    for read in (task.prepare, task.resolved):
        with pytest.raises(DataError, match=r"data\.jsonl, row 2: .*got nan at step 1"):
            read()
    assert issubclass(DataError, ValueError)


def test_symbols_are_drawn_as_numbers_and_shown_one_hot(tmp_path: Path) -> None:
    rows = [{"inputs": [0, 2, 1], "targets": [1, 1, 0]}, {"inputs": [2], "targets": [0]}]
    task = Sequences(write(tmp_path, *rows), validation_fraction=0.0)
    assert (task.input_size, task.output_size) == (3, 2)
    assert task.takes_symbols
    batch = task.sample(2, seeded())
    assert sorted(batch.inputs[:, row].tolist() for row in range(2)) == [[0, 2, 1], [2, 0, 0]]
    found = {row.length: row.inputs for row in readers(batch.shown(3))}
    assert found == {3: [[1, 0, 0], [0, 0, 1], [0, 1, 0]], 1: [[0, 0, 1]]}
    assert batch.targets.dtype == torch.int64


def test_bits_are_scored_as_bits(tmp_path: Path) -> None:
    task = Sequences(write(tmp_path, {"inputs": [[0.5], [0.1]], "targets": [[0, 1], [1, 1]], "mask": [0, 1]}))
    assert task.costs_bits
    batch = task.sample(1, seeded())
    outputs = torch.tensor([[[9.0, -9.0]], [[0.5, -2.0]]])
    cost = bit_cost(0.5, 1) + bit_cost(-2.0, 1)
    assert task.loss(outputs, batch).item() == pytest.approx(cost, rel=1e-6)
    score = task.score(outputs, batch)
    assert score.bits.item() == pytest.approx(cost / math.log(2), rel=1e-6)
    assert score.wrong.item() == 1
    assert task.count(batch).item() == 2
    assert task.score_name == "bits a sequence"


def test_classes_are_scored_as_classes(tmp_path: Path) -> None:
    task = Sequences(write(tmp_path, {"inputs": [[0.5], [0.1]], "targets": 2}))
    assert task.output_size == 3
    assert not task.costs_bits
    batch = task.sample(1, seeded())
    outputs = torch.tensor([[[5.0, 1.0, 1.0]], [[0.5, 1.0, 0.0]]])
    cost = math.log(math.exp(0.5) + math.exp(1) + 1)
    assert task.loss(outputs, batch).item() == pytest.approx(cost, rel=1e-6)
    score = task.score(outputs, batch)
    assert score.bits.item() == pytest.approx(cost / math.log(2), rel=1e-6)
    assert score.wrong.item() == 1
    assert task.count(batch).item() == 1


def test_values_are_scored_by_their_mean_squared_error(tmp_path: Path) -> None:
    task = Sequences(write(tmp_path, {"inputs": [[0.5], [0.1]], "targets": [[1.5, 0.0], [2.0, 3.0]]}))
    assert not task.costs_bits
    batch = task.sample(1, seeded())
    outputs = torch.tensor([[[1.0, 0.0]], [[2.0, 1.0]]])
    assert task.loss(outputs, batch).item() == pytest.approx(0.25 + 4)
    score = task.score(outputs, batch)
    assert score.bits.item() == pytest.approx(4.25 / 4)
    assert score.wrong.item() == 1
    assert task.count(batch).item() == 4
    assert task.score_name == "mean squared error"
    # What training reports is in the same unit.
    assert task.mean_score(4.25, 4, 1) == pytest.approx(4.25 / 4)


def test_padding_within_a_batch_does_not_count(tmp_path: Path) -> None:
    rows = [{"inputs": [[1.0]] * n, "targets": [[0.5]] * n} for n in (1, 3)]
    task = Sequences(write(tmp_path, *rows), validation_fraction=0.0)
    batch = task.sample(2, seeded())
    outputs = torch.where(batch.mask.unsqueeze(-1), 1.5, math.nan)
    assert task.loss(outputs, batch).item() == pytest.approx(4)
    assert task.score(outputs, batch).bits.tolist() == pytest.approx([1.0, 1.0])
    assert task.count(batch).item() == 4


@pytest.mark.parametrize(
    "row",
    [
        {"inputs": [[0, 1]] * 100},
        {"inputs": [3, 1, 2] * 50},
        {"inputs": [[0.5]], "targets": [[-1.5]]},
        {"inputs": [[0.5], [0.0]], "targets": 1},
    ],
)
def test_the_example_shows_the_beginning_of_a_row(tmp_path: Path, row) -> None:
    text = Sequences(write(tmp_path, row)).example()
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 80


def test_a_task_can_be_sent_to_another_process(tmp_path: Path) -> None:
    task = numbered(tmp_path, 20).held_out()
    copied = pickle.loads(pickle.dumps(task))  # noqa: S301
    assert drawn(copied, 5) == drawn(task, 5)


def test_the_file_is_read_once(tmp_path: Path) -> None:
    task = numbered(tmp_path, 20)
    task.prepare()
    # What it holds is found out once.
    task = task.resolved()
    (tmp_path / "data.npz").unlink()
    drawn(task.resolved(), 3)
    drawn(task.held_out().at_length(task.held_out().longest).grown(1.0), 3)


def test_files_of_their_own_for_validation_and_test(tmp_path: Path) -> None:
    paths = []
    for name, start, count in (("a", 0, 4), ("b", 10, 2), ("c", 20, 3)):
        rows = [{"inputs": [[float(start + i)], [0.5]]} for i in range(count)]
        (tmp_path / name).mkdir()
        paths.append(write(tmp_path / name, *rows))
    task = Sequences(paths[0], validation=paths[1], test=paths[2])
    first = {name: task.table.inputs[rows][:, 0, 0].tolist() for name, rows in task.parts.items()}
    assert first == {"training": [0, 1, 2, 3], "validation": [10, 11], "test": [20, 21, 22]}
    assert task.held_out().rows.tolist() == task.parts["validation"].tolist()
    with pytest.raises(ValueError, match="validation_fraction has no effect with the file"):
        Sequences(paths[0], validation=paths[1], validation_fraction=0.2)


@pytest.mark.parametrize(
    ("kinds", "more"),
    [
        # Other lengths, other numbers of bytes, more symbols, targets of their own.
        (("u1", "u1", "u1"), {}),
        (("u1", "i8", "i4"), {}),
        (("f4", "f8", "f4"), {}),
        (("u1", "u1", "f4"), {"targets": 3}),
        (("i2", "i4", "u1"), {"symbols": True}),
        (("i2", "i4", "u1"), {"symbols": True, "targets": 3}),
        # One is a text file.
        (("u1", "u1", ".jsonl"), {}),
    ],
)
def test_files_of_their_own_stay_where_they_are_and_give_what_their_rows_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kinds: tuple[str, ...], more: dict
) -> None:
    paths = []
    for number, (kind, count, steps) in enumerate(zip(kinds, (5, 3, 2), (4, 6, 3), strict=True)):
        random = np.random.default_rng(number)
        shape = (count, steps) if "symbols" in more else (count, steps, 2)
        dtype = "u1" if kind == ".jsonl" else kind
        arrays = {"inputs": random.integers(0, 3 + number if "symbols" in more else 2, shape).astype(dtype)}
        if "targets" in more:
            arrays["targets"] = random.integers(0, 3 + number, (count, steps))
        paths.append(str(tmp_path / f"{number}{'.jsonl' if kind == '.jsonl' else '.npz'}"))
        if kind == ".jsonl":
            Path(paths[-1]).write_text(
                "".join(json.dumps({"inputs": each.tolist()}) + "\n" for each in arrays["inputs"])
            )
        else:
            np.savez(paths[-1], lengths=np.arange(count) % 2 + steps - 1, **arrays)
    files = {"validation": paths[1], "test": paths[2]}
    task = Sequences(paths[0], **files)
    whole = task.batch(torch.arange(10))
    assert list(task._read) == [path for path in paths if path.endswith("l")]
    monkeypatch.setattr("neuraltape.tasks.sequences.read_block", lambda path: None)
    rows = Sequences(paths[0], **files)
    assert list(rows._read) == []
    assert all(torch.equal(one, other) for one, other in zip(whole, rows.batch(torch.arange(10)), strict=True))
    assert len(rows._read) == 3
    for name in ("kind", "lengths", "input_size", "output_size", "follows"):
        assert (
            torch.equal(*(torch.as_tensor(getattr(each.table, name)) for each in (task, rows)))
            if name == ("lengths")
            else getattr(task.table, name) == getattr(rows.table, name)
        )
    for name, part in task.parts.items():
        assert torch.equal(part, rows.parts[name])
        goals = [torch.cat(list(each.goals(part))) for each in (task, rows)]
        assert torch.equal(*goals)


def test_files_that_do_not_go_together_are_refused_with_the_row(tmp_path: Path, monkeypatch) -> None:
    paths = [str(tmp_path / f"{name}.npz") for name in "ab"]
    np.savez(paths[0], inputs=np.zeros((3, 4, 2)))
    np.savez(paths[1], inputs=np.zeros((3, 4, 5)))
    with pytest.raises(
        DataError, match=r"b\.npz, row 1 .*: inputs must be 2 features a step as in the first row; got 5"
    ):
        Sequences(paths[0], validation=paths[1]).prepare()
    # Where there are too many rows to look at each, what is known is said.
    np.savez(paths[0], inputs=np.full((3, 4, 2), np.nan))
    monkeypatch.setattr("neuraltape.tasks.files.MOST_BYTES", 100)
    with pytest.raises(DataError, match=r"a\.npz: inputs must be finite float32 numbers; got nan"):
        Sequences(paths[0]).prepare()


@pytest.mark.parametrize(
    ("inputs", "size", "symbols"),
    [
        (np.arange(24).reshape(3, 4, 2).astype("u1"), 2, False),
        (np.arange(24).reshape(3, 4, 2) - 9.5, 2, False),
        (np.arange(12).reshape(3, 4).astype("i2"), 1, False),
        (np.arange(12).reshape(3, 4), 12, True),
        (np.arange(12).reshape(3, 4, 1).astype("f4"), 12, True),
        (np.arange(12).reshape(3, 4) > 5, 2, True),
    ],
)
def test_new_arrays_may_be_as_large_as_those_that_were_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inputs: np.ndarray, size: int, symbols: bool
) -> None:
    path, lengths = str(tmp_path / "a.npz"), [1, 3, 2]
    np.savez(path, inputs=inputs, lengths=lengths, targets=np.zeros(3))
    expected = make_inputs(read_rows(path), size, symbols=symbols)
    if inputs.dtype.kind == "f":
        inputs[0, 1:] = np.nan
        np.savez(path, inputs=inputs, lengths=lengths, targets=np.zeros(3))
    before = Path(path).read_bytes()
    monkeypatch.setattr("neuraltape.tasks.files.MOST_BYTES", 10)
    task = Sequences(path, kind="values", predicts="targets", symbols=size if symbols else None, validation_fraction=0)
    found = task.read_inputs(path, size)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one.double(), other.double())
        assert one.dtype.is_floating_point == other.dtype.is_floating_point
    assert Path(path).read_bytes() == before
    # Where there are too many rows to look at each, what is known is said.
    for wrong in (np.full((3, 4, 3), 0.5), np.full((3, 4, size), np.nan), inputs[:, :, None, None] + 99):
        np.savez(path, inputs=wrong)
        with pytest.raises(DataError, match=r"a\.npz: inputs must be") as said:
            task.read_inputs(path, size)
        assert "uncompressed" not in str(said.value)


@pytest.mark.parametrize("large", [False, True])
def test_values_that_happen_to_be_0_or_1_in_one_file_are_values_in_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    names = ("ints", "bits", "one", "symbols")
    paths = {name: str(tmp_path / f"{name}.npy") for name in names}
    ints = np.arange(24).reshape(2, 4, 3) % 5
    for name, each in zip(names, (ints, ints % 2, ints[:, :, :1], ints[:, :, 0]), strict=True):
        np.save(paths[name], each.astype("u1"))
    if large:
        monkeypatch.setattr("neuraltape.tasks.files.MOST_BYTES", 10)
    else:
        monkeypatch.setattr("neuraltape.tasks.sequences.read_block", lambda path: None)
    for first, second in (("ints", "bits"), ("bits", "ints")):
        task = Sequences(paths[first], validation=paths[second])
        assert (task.table.kind, task.resolved().kind) == ("values", "values")
        assert task.batch(torch.arange(4)).targets.sum() == ints[:, 1:].sum() + (ints % 2)[:, 1:].sum()
    wanted = f"expected 3 features in and 3 values out a step, which follow in the inputs, as in {paths['ints']}; got "
    for other, got in (("one", "1 feature in and 1 values"), ("symbols", "one of 5 symbols in and one of 5 classes")):
        message = f"{paths[other]}: {wanted}{got} out a step, which follow in the inputs" if large else paths[other]
        with pytest.raises(DataError, match=re.escape(message)):
            Sequences(paths["ints"], validation=paths[other]).prepare()


@pytest.mark.parametrize("part", ["data", "validation"])
def test_a_file_in_use_that_is_rewritten_stops_what_draws_from_it(tmp_path: Path, part: str) -> None:
    paths = {name: tmp_path / f"{name}.npz" for name in ("data", "validation")}
    for path in paths.values():
        np.savez(path, inputs=np.ones((4, 3, 2), np.float32))
    task = Sequences(str(paths["data"]), validation=str(paths["validation"])).resolved()
    before = task.batch(torch.arange(8))
    # Another file under its name leaves the open one as it is, and so does none.
    np.savez(tmp_path / "new.npz", inputs=np.zeros((4, 3, 2), np.float32))
    (tmp_path / "new.npz").replace(paths[part])
    assert torch.equal(task.batch(torch.arange(8)).inputs, before.inputs)
    paths[part].unlink()
    assert torch.equal(task.batch(torch.arange(8)).inputs, before.inputs)
    np.savez(paths[part], inputs=np.ones((4, 3, 2), np.float32))
    task = Sequences(str(paths["data"]), validation=str(paths["validation"]))
    task.batch(torch.arange(8))
    with open(paths[part], "r+b") as file:
        file.truncate(100)
    for draw in (lambda: task.sample(2, seeded()), lambda: task.held_out().sample(2, seeded())):
        with pytest.raises(DataError, match=rf"{part}\.npz was rewritten while it was in use"):
            draw()


def test_a_file_that_was_read_row_by_row_may_be_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "b.npy"
    np.save(path, np.ones((4, 3, 2), np.float32))
    # What is read row by row is looked at for long.
    rows = read_rows(str(path))
    with open(path, "r+b") as file:
        file.truncate(100)
    assert sum(row.inputs.sum() for row in rows) == 24


def test_shares_for_validation_and_test_are_apart_and_leave_something(tmp_path: Path) -> None:
    parts = numbered(tmp_path, 10, validation_fraction=0.2, test_fraction=0.3).parts
    assert [len(parts[name]) for name in ("training", "validation", "test")] == [5, 2, 3]
    assert sorted(torch.cat(list(parts.values())).tolist()) == list(range(10))
    with pytest.raises(ValueError, match=r"must be below 1 together; got 0\.6 and 0\.4"):
        numbered(tmp_path, 10, validation_fraction=0.6, test_fraction=0.4)


def test_what_was_found_in_the_files_is_kept_as_options(tmp_path: Path) -> None:
    task = Sequences(write(tmp_path, {"inputs": [0, 2, 1]}, {"inputs": [1, 1]})).resolved()
    assert (task.kind, task.predicts, task.symbols, task.classes) == ("classes", "next", 3, 3)
    inputs, lengths = task.read_inputs(write(tmp_path, {"inputs": [1], "targets": [0]}, {"inputs": [0, 2]}), 3)
    assert (inputs.tolist(), lengths.tolist()) == ([[1, 0], [0, 2]], [1, 2])
    with pytest.raises(DataError, match="inputs must be symbols, whole numbers from 0 to 2; got 3"):
        task.read_inputs(write(tmp_path, {"inputs": [3]}), 3)
    with pytest.raises(DataError, match="inputs must be a whole number a step, from 0 to 2"):
        task.read_inputs(write(tmp_path, {"inputs": [[0.5]]}), 3)


def test_the_next_step_can_be_learned_where_there_are_targets(tmp_path: Path) -> None:
    path = write(tmp_path, {"inputs": [[0.5], [0.25]], "targets": [1, 0]})
    assert Sequences(path).table.kind == "classes"
    assert Sequences(path, predicts="next").table.targets[0].tolist() == [[0.25]]
    with pytest.raises(DataError, match="no targets"):
        Sequences(write(tmp_path, {"inputs": [[0.5], [0.25]]}), predicts="targets").prepare()


def test_a_class_in_a_list_of_one_is_a_class_when_asked(tmp_path: Path) -> None:
    path = write(tmp_path, {"inputs": [[0.5], [0.25]], "targets": [[1.0], [2.0]]})
    assert Sequences(path).table.kind == "values"
    table = Sequences(path, kind="classes").table
    assert (table.kind, table.targets.tolist(), table.output_size) == ("classes", [[1, 2]], 3)


@pytest.mark.parametrize("shape", [(2, 4), (2, 4, 1)])
@pytest.mark.parametrize("dtype", [float, np.uint8, bool])
def test_symbols_that_are_written_as_something_else_are_symbols_when_asked(tmp_path: Path, shape, dtype) -> None:
    path = str(tmp_path / "a.npz")
    inputs = np.arange(8).reshape(shape) % (2 if dtype is bool else 3)
    np.savez(path, inputs=inputs.astype(dtype))
    task = Sequences(path, kind="classes", classes=4)
    assert (task.input_size, task.output_size, task.takes_symbols) == (4, 4, True)
    batch = task.batch(torch.arange(2))
    assert torch.equal(batch.targets[:-1], batch.inputs[1:])
    assert batch.shown(4).inputs.shape == (3, 2, 4)
    assert torch.equal(task.read_inputs(path, 4)[0], torch.from_numpy(inputs.reshape(2, 4)))
    assert Sequences(path, kind="classes").input_size == inputs.max() + 1
    np.savez(path, inputs=np.full(shape, 0.5))
    with pytest.raises(DataError, match=r"row 1 .*: classes that follow each other must be whole numbers, .* got 0\.5"):
        Sequences(path, kind="classes").prepare()
    np.savez(path, inputs=np.zeros((2, 4, 2)))
    with pytest.raises(DataError, match=r"row 1 .*: classes that follow .*, one a step; got 2 features a step"):
        Sequences(path, kind="classes").prepare()


def test_class_weights_are_those_of_pytorchs_cross_entropy_and_scores_are_without_them(tmp_path: Path) -> None:
    rows = [{"inputs": [[1.0]] * 3, "targets": [0, 1, 1]}, {"inputs": [[1.0]] * 4, "targets": [1, 1, 2, 1]}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = str(tmp_path / "a.jsonl")
    plain = Sequences(path, validation_fraction=0.0)
    batch = plain.batch(torch.arange(2))
    outputs = torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(0))
    mask = batch.mask
    for given, weights in (((1.0, 0.5, 4.0), [1.0, 0.5, 4.0]), ("balanced", [7 / 3, 7 / 15, 7 / 3])):
        task = Sequences(path, validation_fraction=0.0, class_weights=given)
        expected = torch.nn.functional.cross_entropy(
            outputs[mask], batch.targets[mask], weight=torch.tensor(weights), reduction="sum"
        )
        assert task.loss(outputs, batch).item() == pytest.approx(expected.item(), rel=1e-5)
        assert torch.equal(task.score(outputs, batch).bits, plain.score(outputs, batch).bits)
        # They are kept with the run as numbers.
        assert task.resolved().class_weights == pytest.approx(tuple(weights))
        Settings(task=task.resolved()).save(tmp_path / "config.yaml")
        assert Settings.load(tmp_path / "config.yaml").task.class_weights == task.resolved().class_weights  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("targets", "weights", "message"),
    [
        ([0, 1], (1.0,), "class_weights must be one for each of 2 classes; got 1"),
        ([[0.5], [1]], "balanced", "class_weights has no effect without classes; targets are values"),
        ([0, 1], (1.0, -1.0), "class_weights must be numbers from 0, or balanced"),
        ([0, 1], (0.0, 0.0), "class_weights must be numbers from 0, or balanced"),
        ([0, 1], "even", "class_weights must be numbers from 0, or balanced"),
    ],
)
def test_class_weights_that_have_no_effect_or_no_sense_are_refused(tmp_path: Path, targets, weights, message) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"inputs": [[1.0], [2.0]], "targets": targets}) + "\n")
    with pytest.raises(ValueError, match=message):
        Sequences(str(tmp_path / "a.jsonl"), class_weights=weights).prepare()


@pytest.mark.parametrize("part", ["training", "validation", "test"])
def test_a_part_without_a_scored_step_is_refused_before_anything_is_made(tmp_path: Path, part: str) -> None:
    paths = {}
    for name in ("training", "validation", "test"):
        row = {"inputs": [[1.0], [2.0]], "targets": [[1], [0]], "mask": [name != part] * 2}
        paths[name] = str(tmp_path / f"{name}.jsonl")
        Path(paths[name]).write_text(json.dumps(row) + "\n")
    task = Sequences(paths["training"], validation=paths["validation"], test=paths["test"])
    for ask in (task.resolved, lambda: task.rows):
        with pytest.raises(DataError, match=f"none of the rows for {part} has a scored step; there are 1$"):
            ask()


@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_a_run_does_not_take_other_contents_for_those_of_its_files(tmp_path: Path, suffix: str) -> None:
    paths = {name: tmp_path / f"{name}{suffix}" for name in ("data", "validation", "test")}

    def write(path: Path, *, value: float = 0.25, count: int = 3) -> None:
        inputs = np.full((count, 4, 1), value, np.float32)
        if suffix == ".npz":
            np.savez(path, inputs=inputs)
        else:
            lines = [f"{row},{value}" for row in range(count) for _ in range(4)]
            path.write_text("\n".join(["sequence,x", *lines]) + "\n")

    for path in paths.values():
        write(path)
    kept = Sequences(str(paths["data"]), validation=str(paths["validation"]), test=str(paths["test"])).resolved()
    assert kept.contents is not None
    assert [each.split()[0] for each in kept.contents] == [str(path.stat().st_size) for path in paths.values()]
    for part, path in paths.items():
        for change, what in (({"value": 0.75}, "bytes as then, but not the same"), ({"count": 4}, "bytes now, ")):
            write(path, **change)
            for ask in (Sequences.prepare, Sequences.resolved, Sequences.held_out):
                said = f"{part}{suffix}: it does not hold what the run has learned from .*{what}"
                # What is opened anew has not read the files.
                with pytest.raises(DataError, match=said):
                    ask(replace(kept))
            # Who asks for this very file, or for it as it is, is not refused.
            replace(kept).of_file(str(path)).prepare()
            assert replace(kept, contents=None).resolved().contents != kept.contents
        # The same again, written at another time, is the same.
        write(path)
        replace(kept).prepare()
    with pytest.raises(DataError, match="contents must be one for each of 3 files; got 1"):
        replace(kept, contents=("1 bytes 0",)).prepare()


def test_a_file_that_is_rewritten_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data.csv"
    path.write_text("sequence,x\n1,0.5\n1,1.5\n")

    def rewritten(*arguments: object) -> object:
        rows = read_rows(*arguments)  # type: ignore[arg-type]
        path.write_text("sequence,x\n1,0.25\n1,1.25\n")
        return rows

    monkeypatch.setattr("neuraltape.tasks.sequences.read_rows", rewritten)
    with pytest.raises(DataError, match=r"data\.csv was rewritten since it was read"):
        Sequences(str(path)).prepare()
    monkeypatch.undo()
    # Between reading and remembering, too.
    task = Sequences(str(path))
    task.prepare()
    path.write_text("sequence,x\n1,0.5\n1,1.125\n")
    with pytest.raises(DataError, match=r"data\.csv was rewritten since it was read"):
        task.resolved()
