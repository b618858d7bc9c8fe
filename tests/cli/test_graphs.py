import json
from pathlib import Path

import torch

from neuraltape import DNC
from neuraltape.cli.graphs import learned
from neuraltape.runs.metrics import Metrics
from neuraltape.tasks.graph_traversal import GraphTraversal
from tests.cli.conftest import Call


def test_walks_are_scored_by_lesson_and_on_the_maps(call: Call, refuses: Call, here: Path) -> None:
    torch.manual_seed(0)
    DNC(92, 4, 90, memory_slots=4, memory_width=4).save_pretrained(here / "graphs")
    (here / "graphs" / "config.yaml").write_text("format: 2\ntask: {name: graph-traversal, lesson: 2}\n")
    said = call("evaluate", "graphs", "--lengths", "1", "--sequences", "1")
    assert said.code == 0
    assert "graphs: graph-traversal, nothing of it on the maps, 4 slots" in said.out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in said.out.splitlines() if line.startswith("│")]
    assert [row[:2] for row in rows] == [
        *(["lesson 1", "1"], ["lesson 2", "1-2"], ["junctions", "1"], ["underground", "1"])
    ]
    assert all(row[3] == "0% of 1" for row in rows)
    assert len(json.loads((here / "graphs" / "figures" / "graphs.json").read_text())["rows"]) == 4
    assert "--repeats" in refuses("evaluate", "graphs", "--repeats", "2").err
    assert "--format has no effect on graph-traversal" in refuses("evaluate", "graphs", "--format", "svg").err


def test_the_lesson_that_a_training_has_come_to_is_told() -> None:
    lines = ({"kind": "training", "sequences": 1600, "fraction": 3 / 14}, {"kind": "evaluation", "sequences": 1700})
    assert learned(GraphTraversal(), Metrics(lines)) == ", nothing of it on the maps, in lesson 3 after 1,600 sequences"
    assert learned(GraphTraversal(), Metrics()) == ", nothing of it on the maps"
    assert learned(GraphTraversal(graphs="junctions"), Metrics()) == ", on the map junctions"
