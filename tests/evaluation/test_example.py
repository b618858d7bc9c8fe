import json
from pathlib import Path

import numpy as np
import pytest

from neuraltape.evaluation import example
from neuraltape.tasks import Copy, GraphTraversal
from neuraltape.tasks.sequences import Sequences
from tests.evaluation.machines import Constant, Copier


def sequences(tmp_path: Path, targets: list) -> Sequences:
    file = tmp_path / "data.jsonl"
    row = {"inputs": [[0.5], [0.25], [0.125]], "targets": targets}
    file.write_text(f"{json.dumps(row)}\n" * 2, encoding="utf-8")
    return Sequences(str(file), validation_fraction=0)


def test_only_scored_steps_are_kept() -> None:
    shown = example(Copier(), Copy(), 5)
    assert shown.targets.shape == shown.predictions.shape == shown.errors.shape == (5, 8)
    assert set(np.unique(shown.targets)) == {0, 1}
    assert np.allclose(shown.predictions, shown.targets, atol=1e-6)
    assert shown.wrong == 0


def test_errors_stand_where_the_machine_was_wrong() -> None:
    shown = example(Copier(faults=2), Copy(), 5)
    assert sorted(zip(*np.nonzero(shown.errors), strict=True)) == [(3, 0), (4, 0)]
    assert shown.wrong == 2
    # Two bits missed with logits of 20 cost 2 * 20 / ln 2 bits.
    assert shown.bits == pytest.approx(2 * 20 / np.log(2), rel=1e-6)


def test_the_seed_chooses_the_sequence() -> None:
    first, again, other = (example(Copier(), Copy(), 5, seed=seed).targets for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_a_wrong_class_is_marked_where_it_was_predicted(tmp_path: Path) -> None:
    shown = example(Constant(1, [0.0, 0.0, 9.0]), sequences(tmp_path, [0, 2, 1]), 3)
    assert (shown.targets == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]).all()
    assert (shown.errors == [[0, 0, 1], [0, 0, 0], [0, 0, 1]]).all()
    assert shown.predictions.sum(-1) == pytest.approx(1)


def test_a_wrong_digit_is_marked_where_it_was_predicted() -> None:
    # Says the label 999 three times.
    shown = example(Constant(92, [*[0.0] * 9, 9.0] * 9), GraphTraversal(lesson=2), 3)
    assert shown.targets.shape == shown.errors.shape == (3, 90)
    assert (shown.targets.reshape(3, 9, 10).sum(-1) == 1).all()
    wrong = shown.targets.reshape(3, 9, 10)[..., 9] == 0
    assert shown.wrong == wrong.sum()
    assert (shown.errors.reshape(3, 9, 10)[..., 9] == wrong).all()
    assert shown.predictions.reshape(3, 9, 10).sum(-1) == pytest.approx(1)


def test_values_are_compared_as_the_task_compares_them(tmp_path: Path) -> None:
    shown = example(Constant(1, [1.0]), sequences(tmp_path, [[0.75], [3.0], [1.5]]), 3)
    assert (shown.predictions == 1).all()
    assert shown.errors[:, 0].tolist() == [False, True, False]


def test_lengths_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="lengths must be positive integers; got 0"):
        example(Copier(), Copy(), 0)
