"""What an earlier version wrote is converted in its place, once."""

import json
import runpy
from pathlib import Path

import pytest
import torch

from neuraltape import MANN, NTM, LSTMBaseline
from neuraltape.nn import MemoryNetwork, load_machine

CONVERT = runpy.run_path(str(Path(__file__).resolve().parents[2] / "tools" / "convert.py"))
MACHINES = [
    NTM(3, 6, 4, memory_slots=5),
    MANN(3, 6, 4, memory_slots=5, read_heads=2),
    LSTMBaseline(3, 6, 4, controller_layers=2),
    MemoryNetwork(9, 4, slots=5),
]


def as_before(path):
    """config.json as the version before formats wrote it."""
    values = json.loads(path.read_text())
    del values["format"]
    machine = values.pop("machine")
    old = {"mann": {"read_heads": "heads"}, "lstm": {"controller_layers": "num_layers"}}.get(machine, {})
    path.write_text(json.dumps({old.get(name, name): value for name, value in values.items()}))


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.kind)
def test_a_saved_model_is_converted_and_loads(machine, tmp_path):
    machine.save_pretrained(tmp_path / "run" / "model")
    path = tmp_path / "run" / "model" / "config.json"
    written = json.loads(path.read_text())
    as_before(path)
    with pytest.raises(ValueError, match=r"convert it: python tools/convert\.py"):
        load_machine(tmp_path / "run")
    CONVERT["convert_models"](tmp_path)
    assert json.loads(path.read_text()) == written
    again = load_machine(tmp_path / "run")
    for name, tensor in machine.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)


def test_what_has_a_format_is_left_alone(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"format": 99}')
    CONVERT["convert_models"](tmp_path)
    assert path.read_text() == '{"format": 99}'
