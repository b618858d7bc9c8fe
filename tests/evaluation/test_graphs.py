import json
from pathlib import Path

import pytest
import torch

from neuraltape.evaluation.graphs import score_graphs
from neuraltape.tasks import Copy
from neuraltape.tasks.graph_traversal import GraphTraversal
from tests.evaluation.machines import Constant


class Walker(Constant):
    """Knows every answer, as it is told them with the inputs, but for walks of more than `most` edges."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
        super().__init__(92, [0.0] * 90)
        sample = GraphTraversal.sample

        def told(task: GraphTraversal, *arguments: object, **options: object):
            batch = sample(task, *arguments, **options)  # type: ignore[arg-type]
            edges = batch.mask.sum(0, keepdim=True).unsqueeze(-1)
            # Each digit is the next one.
            other = batch.targets.unflatten(-1, (9, 10)).roll(1, -1).flatten(-2)
            self.answers = torch.where(edges <= most, batch.targets, other)
            return batch

        monkeypatch.setattr(GraphTraversal, "sample", told)

    def run(self, inputs, state, lengths):
        return 9 * self.answers.to(inputs.dtype), state


def test_rows_are_the_lessons_and_the_maps_by_the_length_of_walks(monkeypatch) -> None:
    report = score_graphs("mine", Walker(monkeypatch, most=2), GraphTraversal(lesson=3), [1, 4], sequences=60)
    assert [(row.graphs, row.edges) for row in report.rows] == [
        *(("lesson 1", (1, 1)), ("lesson 2", (1, 2)), ("lesson 3", (1, 3))),
        *(("junctions", (1, 1)), ("junctions", (4, 4)), ("underground", (1, 1)), ("underground", (4, 4))),
    ]
    shares = [row.perfect for row in report.rows]
    assert shares[:2] == [1, 1]
    # Walks of three edges are a third of the third lesson's.
    assert 0.5 < shares[2] < 0.85
    assert shares[3:] == [1, 0, 1, 0]
    assert [row.wrong_mean for row in report.rows[3:]] == [0, 36, 0, 36]
    assert {row.sequences for row in report.rows} == {60}


def test_a_report_is_json(tmp_path: Path, monkeypatch) -> None:
    report = score_graphs("mine", Walker(monkeypatch, most=9), GraphTraversal(lesson=1), [1], sequences=2, seed=3)
    report.save(tmp_path / "graphs.json")
    values = json.loads((tmp_path / "graphs.json").read_text())
    assert (values["name"], values["seed"], values["memory_slots"]) == ("mine", 3, None)
    assert values["rows"][0] == {
        "graphs": "lesson 1", "edges": [1, 1], "sequences": 2, "wrong_mean": 0.0, "perfect": 1.0
    }  # fmt: skip


def test_what_cannot_be_scored_is_refused() -> None:
    task = GraphTraversal(lesson=1)
    with pytest.raises(ValueError, match="sequences must be a positive integer; got 0"):
        score_graphs("mine", Constant(92, [0.0] * 90), task, sequences=0)
    with pytest.raises(ValueError, match="lengths must be positive integers; got 0"):
        score_graphs("mine", Constant(92, [0.0] * 90), task, [0])
    with pytest.raises(ValueError, match="model must have input_size 92"):
        score_graphs("mine", Constant(Copy().input_size, [0.0] * 90), task)
