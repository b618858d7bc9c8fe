"""Each given sequence is scored once."""

import json
import math
from pathlib import Path

import pytest
import torch

from neuraltape import NTM, LSTMBaseline
from neuraltape.evaluation.rows import guess_cost, score_rows
from neuraltape.tasks.sequences import Sequences


def write(folder: Path, *rows: dict) -> str:
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder / "data.jsonl")


def silent(task: Sequences) -> LSTMBaseline:
    """A machine that says 0 to everything."""
    model = LSTMBaseline(task.input_size, 2, task.output_size)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    return model


def test_costs_are_means_over_steps_whatever_the_lengths(tmp_path: Path) -> None:
    rows = [{"inputs": [[0.5, 0.5]] * n, "targets": [[0, 1, 1]] * n} for n in (1, 5, 2)]
    task = Sequences(write(tmp_path, *rows), validation_fraction=0)
    found = score_rows(silent(task), task)
    assert (found.sequences, found.steps, found.targets) == (3, 8, 24)
    assert found.cost == pytest.approx(3 * math.log(2))
    assert found.score == pytest.approx(8 * 3 / 3)
    assert found.wrong == pytest.approx(2 / 3)
    # One more of each: (0 + 1) / (8 + 2).
    assert found.guess == pytest.approx(-3 * math.log(0.9))


def test_values_cost_their_squared_error(tmp_path: Path) -> None:
    rows = [{"inputs": [[1.0], [2.0]], "targets": [[3.0], [0.25]]}, {"inputs": [[1.0]], "targets": [[-1.0]]}]
    task = Sequences(write(tmp_path, *rows), validation_fraction=0)
    found = score_rows(silent(task), task)
    assert found.cost == pytest.approx((9 + 0.0625 + 1) / 3)
    assert found.wrong == pytest.approx(2 / 3)
    values = torch.tensor([3.0, 0.25, -1.0])
    assert found.guess == pytest.approx(float((values - values.mean()).square().mean()))


def test_guessing_classes_says_how_often_each_comes(tmp_path: Path) -> None:
    rows = [{"inputs": [[0.5]] * 3, "targets": [0, 0, 1]}, {"inputs": [[0.5]], "targets": [1]}]
    task = Sequences(write(tmp_path, *rows), validation_fraction=0)
    assert guess_cost(task, torch.tensor([0])) == pytest.approx(math.log(2))
    assert score_rows(silent(task), task, torch.tensor([0])).cost == pytest.approx(math.log(2))


def test_many_rows_are_the_sum_of_their_parts(tmp_path: Path) -> None:
    rows = [{"inputs": [[i / 120]] * (1 + i % 4), "targets": [[i % 2]] * (1 + i % 4)} for i in range(120)]
    task = Sequences(write(tmp_path, *rows), validation_fraction=0)
    torch.manual_seed(0)
    model = NTM(1, 4, 1, memory_slots=5, memory_width=3, batch_first=True, backend="reference")
    whole = score_rows(model, task)
    parts = [score_rows(model, task, torch.tensor([row])) for row in range(120)]
    assert whole.cost == pytest.approx(sum(each.cost * each.steps for each in parts) / whole.steps, rel=1e-5)


def test_what_cannot_be_scored_is_said(tmp_path: Path) -> None:
    task = Sequences(write(tmp_path, {"inputs": [[0.5]], "targets": [[1]]}), validation_fraction=0)
    with pytest.raises(ValueError, match="rows must be one or more numbers; got none"):
        score_rows(silent(task), task, torch.tensor([], dtype=torch.int64))
    with pytest.raises(ValueError, match="model must have input_size 1"):
        score_rows(LSTMBaseline(2, 2, 1), task)


def test_rows_without_a_scored_step_are_refused(tmp_path: Path) -> None:
    row = {"inputs": [[1.0], [2.0]], "targets": [[1], [0]]}
    task = Sequences(write(tmp_path, row, {**row, "mask": [0, 0]}), validation_fraction=0)
    for ask in (lambda rows: score_rows(silent(task), task, rows), lambda rows: guess_cost(task, rows)):
        with pytest.raises(ValueError, match="rows must have a scored step, and none of these 1 of"):
            ask(torch.tensor([1]))
        with pytest.raises(ValueError, match="rows must be one or more"):
            ask(torch.tensor([], dtype=torch.int64))
        ask(torch.tensor([0, 1]))
