"""Given sequences in full."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from neuraltape.evaluation.shown import show_rows
from neuraltape.nn import NTM, LSTMBaseline
from neuraltape.tasks import Sequences


def labelled(folder: Path) -> Sequences:
    rows = [
        {"inputs": [[0.5], [1.0], [0.0]], "targets": [0, 2, 1], "mask": [0, 1, 1]},
        {"inputs": [[1.0]], "targets": [1]},
    ]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Sequences(str(folder / "a.jsonl"))


@pytest.mark.parametrize("make", [lambda: NTM(1, 4, 3, memory_slots=3, memory_width=2), lambda: LSTMBaseline(1, 4, 3)])
def test_rows_are_shown_with_what_was_asked_and_answered(tmp_path: Path, make) -> None:
    torch.manual_seed(0)
    task, model = labelled(tmp_path), make()
    (first, second), trace = show_rows(model, task, torch.tensor([0, 1]))
    assert (trace is None) == isinstance(model, LSTMBaseline)
    assert (first.row, len(first.inputs), second.row, len(second.inputs)) == (0, 3, 1, 1)
    assert first.targets.tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert first.scored.tolist() == [False, True, True]
    outputs = model(torch.tensor([[[0.5]], [[1.0]], [[0.0]]]))[0][:, 0].detach()
    # Measured: 2e-8.
    assert first.predictions == pytest.approx(outputs.double().softmax(-1).numpy(), abs=1e-6)
    wrong = outputs.argmax(-1).numpy() != np.array([9, 2, 1])
    assert first.errors.any(1).tolist() == [False, *wrong[1:]]
    assert first.wrong == wrong[1:].sum()
    costs = torch.nn.functional.cross_entropy(outputs[1:], torch.tensor([2, 1]), reduction="sum") / np.log(2)
    assert first.cost == pytest.approx(costs.item(), rel=1e-5)


def test_a_machine_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="input_size"):
        show_rows(NTM(2, 4, 3, memory_slots=3, memory_width=2), labelled(tmp_path), torch.tensor([0]))
