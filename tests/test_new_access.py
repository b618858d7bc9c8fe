"""A new access is its equations, one file in nn/access, its kernels and a line in the table; nothing else knows it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import made_once

ROOT = Path(__file__).resolve().parents[1]
FILES = ROOT / "tests" / "new_access"
IMPORT = "from neuraltape.nn.access.wheel import Wheel, WheelConfig\n"
LINE = '    "wheel": Kind("wheel", Wheel, WheelConfig, traceable=True, resizable=False),\n'

# Everything in one process: its imports take longer than the rest.
PROGRAM = """
import contextlib, io, json, sys
from pathlib import Path

import torch

import neuraltape
from neuraltape import plotting
from neuraltape.cli.main import main
from neuraltape.nn.intervention import Force, Freeze
from neuraltape.nn.machines import MACHINES, kind_of, load_machine

assert Path(neuraltape.__file__).is_relative_to(Path.cwd()), neuraltape.__file__
found = {}

def touch(figure, path, untouched=False):
    # Figures are made but not drawn, which takes most of a second each.
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path

plotting.save_figure = touch

def call(name, *argv):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(argv)
    found[name] = {"code": code, "out": out.getvalue(), "err": err.getvalue()}

sizes = ["--hidden-size", "8", "--memory-slots", "8", "--memory-width", "4", "--batch-size", "8", "--start", "2"]
# In the precision that the gradients are compared in: its kernels are compiled for one alone.
sizes += ["--precision", "64-true"]
often = ["--evaluate-every", "16", "--report-every", "16", "--evaluate-sequences", "8"]
call("train", "train", "copy", "--model", "wheel", "--max-sequences", "32", *sizes, *often, "--name", "turning")
call("whole", "train", "copy", "--model", "wheel", "--max-sequences", "48", *sizes, *often, "--name", "whole")
call("resume", "resume", "turning", "--max-sequences", "48")
call("evaluate", "evaluate", "turning", "--lengths", "2", "5", "--sequences", "4")
call("trace", "trace", "turning", "--length", "3", "--output", "trace.safetensors")
call("plot", "plot", "turning", "--format", "svg")
call("wrong", "train", "copy", "--start", "2", "--name", "wrong")
found["wrong"]["made"] = Path("runs/wrong").exists()

machine = load_machine("runs/turning")
found["loaded"] = [kind_of(machine).name, machine.config["start"], machine.backend]
same = zip(machine.parameters(), load_machine("runs/whole").parameters(), strict=True)
found["as unbroken"] = all(torch.equal(*pair) for pair in same)

torch.manual_seed(0)
errors = {}
for controller, layers in (("lstm", 1), ("gru", 2), ("feedforward", 1)):
    results = []
    for backend in ("reference", "cpu"):
        torch.manual_seed(1)
        config = MACHINES["wheel"].config(
            hidden_size=7, memory_slots=5, memory_width=3, controller=controller, controller_layers=layers,
            backend=backend,
        )
        wheel = MACHINES["wheel"].build(config, 4, 2).double()
        x = torch.randn(19, 6, 4, dtype=torch.float64, requires_grad=True)
        outputs, state = wheel(x, lengths=[19, 1, 7, 19, 12, 3])
        (outputs.sin().sum() + sum(part.sin().sum() for part in state.access.parts())).backward()
        results.append([outputs, *state.access.parts(), x.grad, *(each.grad for each in wheel.parameters())])
    pairs = zip(*results, strict=True)
    errors[f"{controller} {layers}"] = max((one - other).abs().max().item() for one, other in pairs)
found["errors"] = errors

x = torch.randn(6, 2, machine.input_size, dtype=torch.float64)
trace = machine.trace(x)
trace.save("own.safetensors")
found["traced"] = torch.allclose(trace.outputs, machine(x)[0], atol=1e-6)
heads = neuraltape.Trace.load("own.safetensors").heads
found["heads"] = [[head.name, [stage.name for stage in head.stages]] for head in heads]
turning = Force(parameter="gate", value=1.0)
for name, changes in {"forced": [turning], "frozen": [turning, Freeze(head="write 1")]}.items():
    changed = machine.trace(x, intervene=changes)
    found[name] = changed.head("write 1").weights[:, 0].argmax(-1).tolist()

from fastapi.testclient import TestClient
from neuraltape.explorer import create_app

client = TestClient(create_app(runs=["runs/turning"]), base_url="http://127.0.0.1")
(found["listed"],) = client.get("/api/machines").json()["machines"]
machine = found["listed"]["id"]
draft = client.post("/api/draw", json={"machine": machine, "length": 3, "seed": 1}).json()
packed = client.post("/api/run", json={"machine": machine, "draft": draft}).content
found["header"] = json.loads(packed[4 : 4 + int.from_bytes(packed[:4], "little")])
sys.stdout.write(json.dumps(found))
"""


def run_in_a_copy(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the program says in a copy of the package with the access."""
    root = tmp_path_factory.mktemp("new_access")
    package = root / "neuraltape"
    shutil.copytree(ROOT / "neuraltape", package, ignore=shutil.ignore_patterns("models"))
    shutil.copy(FILES / "functional.py", package / "functional" / "wheel.py")
    shutil.copy(FILES / "access.py", package / "nn" / "access" / "wheel.py")
    shutil.copy(FILES / "reference.py", package / "kernels" / "reference" / "wheel.py")
    shutil.copytree(
        FILES / "kernels", package / "kernels" / "cpu" / "wheel", ignore=shutil.ignore_patterns("__pycache__")
    )
    table = (package / "nn" / "machines.py").read_text(encoding="utf-8")
    before = ("from neuraltape.nn.lstm import", '    "memory-network": Kind(')
    for place, line in zip(before, (IMPORT, LINE), strict=True):
        assert table.count(place) == 1
        table = table.replace(place, line + place)
    (package / "nn" / "machines.py").write_text(table, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=root, env=environment, capture_output=True, text=True, timeout=290
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a copy of the package with the new access says."""
    pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")
    return json.loads(made_once(tmp_path_factory, "new_access", lambda: run_in_a_copy(tmp_path_factory)))


@pytest.mark.parametrize("command", ["train", "whole", "resume", "evaluate", "trace", "plot"])
def test_every_command_takes_it(found: dict[str, Any], command: str) -> None:
    assert found[command]["code"] == 0, found[command]["err"]


def test_its_kernels_agree_with_its_reference(found: dict[str, Any]) -> None:
    # Measured: at most 4e-15, outputs, last state and every gradient.
    assert found["errors"].keys() == {"lstm 1", "gru 2", "feedforward 1"}
    assert max(found["errors"].values()) < 1e-12


def test_it_trains_by_name_and_goes_on_as_if_unbroken(found: dict[str, Any]) -> None:
    assert found["loaded"] == ["wheel", 2, "cpu"]
    assert found["as unbroken"] is True


def test_its_own_setting_belongs_to_no_other_machine(found: dict[str, Any]) -> None:
    assert found["wrong"]["code"] == 2
    assert "start" in found["wrong"]["err"]
    assert found["wrong"]["err"].count("\n") == 1
    assert found["wrong"]["made"] is False


def test_its_trace_lists_its_stages(found: dict[str, Any]) -> None:
    assert found["traced"] is True
    assert found["heads"] == [["read 1", ["same place"]], ["write 1", ["turn"]]]


def test_interventions_act_on_its_numbers_and_heads(found: dict[str, Any]) -> None:
    assert found["forced"] == [3, 4, 5, 6, 7, 0]
    assert found["frozen"] == [2] * 6


def test_the_page_lists_and_draws_it(found: dict[str, Any]) -> None:
    assert found["listed"]["problem"] is None
    stages = [[stage["name"] for stage in head["stages"]] for head in found["header"]["heads"]]
    assert stages == [["same place"], ["turn"]]
