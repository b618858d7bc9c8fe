"""The user's own sequences beside each other."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuraltape.evaluation.shown import show_rows
from neuraltape.nn import NTM, LSTMBaseline
from neuraltape.plotting import plot_sequences
from neuraltape.plotting.layout import KEY
from neuraltape.plotting.style import PALE
from neuraltape.tasks import Sequences

CLASSES = [
    {"inputs": [[0.5], [1.0], [0.0]], "targets": [0, 2, 1], "mask": [0, 1, 1]},
    {"inputs": [[-3.0]], "targets": [1]},
]
BITS = [{"inputs": [0, 1, 2], "targets": [[0, 1], [1, 1], [0, 0]]}] * 3
VALUES = [{"inputs": [[0.5, 2.0], [1.0, -1.5], [0.0, 0.25]]}] * 2


def drawn(folder: Path, rows: list, model=None) -> tuple[Figure, Sequences]:
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = Sequences(str(folder / "a.jsonl"))
    torch.manual_seed(0)
    if model is None:
        model = NTM(task.input_size, 4, task.output_size, memory_slots=3, memory_width=2, read_heads=2)
    shown, trace = show_rows(model, task, torch.arange(len(rows)))
    symbols = task.table.inputs.dim() == 2
    return plot_sequences(shown, task.target_kind, symbols=symbols, trace=trace, score_name=task.score_name), task


def column(figure: Figure, number: int, columns: int) -> list[Axes]:
    """The panels of one sequence, from above."""
    panels = [axes for axes in figure.axes if axes.get_label() != KEY]
    each = len(panels) // columns
    return panels[number * each : (number + 1) * each]


def labels(figure: Figure, columns: int) -> list[str]:
    return [axes.get_ylabel() for axes in column(figure, 0, columns)]


def test_classes_are_dots_on_their_probabilities(tmp_path: Path) -> None:
    figure, _ = drawn(tmp_path, CLASSES)
    assert labels(figure, 2) == ["inputs", "class", "read head 1:\nslot", "read head 2:\nslot", "write head 1:\nslot"]
    first, second = column(figure, 0, 2), column(figure, 1, 2)
    answers = first[1]
    (image,) = answers.images
    assert image.get_array().shape == (3, 3)
    assert image.get_array().sum(0).tolist() == pytest.approx([1, 1, 1])
    targets, _ = answers.collections
    assert np.asarray(image.get_alpha())[0].tolist() == [PALE, 1, 1]
    # Only where something is scored.
    assert targets.get_offsets().tolist() == [[1, 2], [2, 1]]
    assert first[0].get_title(loc="left").startswith("sequence 1: ")
    assert " of 2 wrong\n" in first[0].get_title(loc="left")
    assert second[0].get_title(loc="left").startswith(("sequence 2: right\n", "sequence 2: wrong\n"))


def test_values_are_lines_and_no_probabilities(tmp_path: Path) -> None:
    figure, task = drawn(tmp_path, VALUES, LSTMBaseline(2, 4, 2))
    assert task.target_kind == "values"
    assert labels(figure, 2) == ["inputs", "values"]
    lines = column(figure, 0, 2)[1].lines
    assert [line.get_ydata().tolist() for line in lines[:2]] == [[1.0, 0.0], [-1.5, 0.25]]
    assert len(lines) == 4
    assert "wrong" not in figure.axes[0].get_title(loc="left")


def test_bits_are_targets_above_probabilities_and_symbols_are_dots(tmp_path: Path) -> None:
    figure, _ = drawn(tmp_path, BITS, LSTMBaseline(3, 4, 2))
    assert labels(figure, 3) == ["inputs", "targets", "outputs"]
    (dots,) = figure.axes[0].collections
    assert dots.get_offsets().tolist() == [[0, 0], [1, 1], [2, 2]]
    assert " of 6 wrong" in figure.axes[0].get_title(loc="left")


def test_nothing_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="shown must be one or more sequences; got none"):
        plot_sequences([], "bits", symbols=False)
