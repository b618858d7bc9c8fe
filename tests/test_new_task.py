"""A new task is one file and one line: nothing else has to know it."""

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
FILE = ROOT / "tests" / "tasks" / "reverse.py"
LINE = "from neuraltape.tasks.reverse import Reverse as Reverse\n"

# Everything in one process: its imports take longer than the rest.
PROGRAM = """
import contextlib, io, json, sys
from pathlib import Path

import neuraltape
from neuraltape import plotting
from neuraltape.cli.main import main

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

sizes = ["--hidden-size", "8", "--memory-slots", "8", "--memory-width", "4", "--batch-size", "8"]
often = ["--evaluate-every", "16", "--report-every", "16", "--evaluate-sequences", "8"]
call("tasks", "tasks")
call("train", "train", "reverse", "--max-sequences", "32", *sizes, *often)
call("resume", "resume", "reverse", "--max-sequences", "48")
call("evaluate", "evaluate", "reverse", "--lengths", "2", "5", "--sequences", "4")
call("plot", "plot", "reverse", "--format", "svg")
call("saved", "evaluate", "runs/reverse/model", "--task", "reverse", "--lengths", "2", "--sequences", "4")

from fastapi.testclient import TestClient
from neuraltape.explorer import create_app

client = TestClient(create_app(runs=["runs"]), base_url="http://127.0.0.1")
(found["listed"],) = client.get("/api/machines").json()["machines"]
machine = found["listed"]["id"]
found["drawn"] = client.post("/api/draw", json={"machine": machine, "length": 3, "seed": 1}).json()
asked = {"machine": machine, "draft": found["drawn"]}
packed = client.post("/api/run", json=asked).content
found["header"] = json.loads(packed[4 : 4 + int.from_bytes(packed[:4], "little")])
replay = client.post("/api/replay", json={"lanes": [asked], "labels": ["main"]})
found["replay"] = replay.status_code

from neuraltape.study.plan import make_plan
from neuraltape.study.reproduce import read_recipes

Path("recipes").mkdir()
Path("recipes/reverse.yaml").write_bytes(Path("runs/reverse/config.yaml").read_bytes())
recipe = read_recipes([Path("recipes")])["reverse"]
seeds = range(recipe.usual_seeds)
plan = make_plan(recipe.trial(seed, runs=Path("reproduced"), results=Path("results")) for seed in seeds)
found["plan"] = [len(plan.left), plan.left[0].probes]
sys.stdout.write(json.dumps(found))
"""


def run_in_a_copy(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the program says in a copy of the package with the task."""
    root = tmp_path_factory.mktemp("new_task")
    shutil.copytree(ROOT / "neuraltape", root / "neuraltape", ignore=shutil.ignore_patterns("models"))
    tasks = root / "neuraltape" / "tasks"
    shutil.copy(FILE, tasks / "reverse.py")
    table = (tasks / "__init__.py").read_text(encoding="utf-8")
    last = "from neuraltape.tasks.sequences import Sequences as Sequences\n"
    assert table.count(last) == 1
    (tasks / "__init__.py").write_text(table.replace(last, LINE + last), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=root, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a copy of the package with the new task says."""
    pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")
    return json.loads(made_once(tmp_path_factory, "new_task", lambda: run_in_a_copy(tmp_path_factory)))


def test_it_is_listed_with_an_example(found: dict[str, Any]) -> None:
    said = found["tasks"]["out"]
    assert "reverse: give back a sequence of random vectors from its end\nsolved: below 0.1 bit a sequence\n" in said
    assert "mirror flag ....#" in said


@pytest.mark.parametrize("command", ["train", "resume", "evaluate", "plot", "saved"])
def test_every_command_takes_it_by_name(found: dict[str, Any], command: str) -> None:
    assert found[command]["code"] == 0, found[command]["err"]


def test_it_trains_and_goes_on(found: dict[str, Any]) -> None:
    assert "ended after 32 sequences" in found["train"]["out"]
    assert "ended after 48 sequences" in found["resume"]["out"]


def test_the_page_draws_it_with_its_own_words(found: dict[str, Any]) -> None:
    assert found["listed"]["problem"] is None
    assert (found["listed"]["task"], found["listed"]["form"]) == ("reverse", "vectors")
    words = {
        "task": "Reverse: after the mirror the machine must give the vectors back from the end.",
        "length": "Vectors",
        "channel mirror flag": "mirror",
    }
    assert found["listed"]["words"] == found["header"]["words"] == words
    assert found["header"]["places"] == [0, 1, 2]
    assert found["header"]["score"]["of"] == len(found["drawn"]["vectors"]) * 3
    assert found["replay"] == 200


def test_its_results_have_probes(found: dict[str, Any]) -> None:
    assert found["plan"] == [10, ["1-4", "8"]]
