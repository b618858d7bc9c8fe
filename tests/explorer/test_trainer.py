"""What the page's button "train" starts: one at a time, never over anything, and never longer than the server."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")
from fastapi.testclient import TestClient

from neuraltape.explorer import Trainer, create_app, trainer

# Stands for the command line: says that it is there, and ends in good order when it is interrupted.
CHILD = """
import pathlib, signal, sys, time

folder = pathlib.Path(sys.argv[sys.argv.index("--run-dir") + 1])
if "fail" in sys.argv:
    sys.exit("error: the disk is full\\n")
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: time.sleep(60))
else:
    signal.signal(signal.SIGTERM, lambda *_: ((folder / "checkpoint").touch(), sys.exit(130)))
folder.mkdir(parents=True)
(folder / "config.yaml").touch()
while True:
    time.sleep(0.05)
"""
# A process that starts one, by the file alone: the package would have to load PyTorch.
PARENT = f"""
import runpy, sys
from pathlib import Path
sys.path = {sys.path!r}
sys.path.insert(0, str(Path(sys.argv[2]).parent / "modules"))
runpy.run_path(sys.argv[1])["Trainer"](("pretended_training",), Path(sys.argv[2]), "copy", "copy").start()
sys.stdin.read()
"""
JSON = {"content-type": "application/json"}


def until(found, seconds: float = 60):
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def runs(tmp_path, monkeypatch) -> Path:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "pretended_training.py").write_text(CHILD)
    monkeypatch.syspath_prepend(tmp_path / "modules")
    # Nothing of the present folder is taken for a module of Python's own.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runpy.py").write_text("raise SystemExit('not this one')")
    return tmp_path / "runs"


def trainer_of(runs: Path, *words: str) -> Trainer:
    return Trainer(("pretended_training", *words), runs, "copy", "copy")


def test_one_runs_at_a_time_in_a_folder_of_its_own_and_can_be_stopped(runs):
    (runs / "copy").mkdir(parents=True)
    made = trainer_of(runs)
    assert made.about() | {"folder": ""} == {
        "task": "copy", "folder": "", "run": None, "running": False, "stopping": False, "problem": None
    }  # fmt: skip
    made.start()
    assert made.about()["run"] == "copy-2"
    until((runs / "copy-2" / "config.yaml").exists)
    with pytest.raises(ValueError, match=r"a training is running already, in .*copy-2; stop it first"):
        made.start()
    made.stop()
    made.stop()
    made.wait(60)
    assert (runs / "copy-2" / "checkpoint").exists()
    assert list((runs / "copy").iterdir()) == []
    assert made.about()["problem"] is None
    assert not made.about()["running"]


def test_what_fails_says_why(runs):
    made = trainer_of(runs, "fail")
    made.start()
    made.wait(60)
    assert made.about()["problem"] == "error: the disk is full"


def test_it_ends_with_the_process_that_started_it_however_that_ends(runs):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, trainer.__file__, str(runs)], stdin=subprocess.PIPE)
    try:
        until((runs / "copy" / "config.yaml").exists)
    finally:
        parent.kill()
        parent.communicate()
    until((runs / "copy" / "checkpoint").exists)


def test_the_server_starts_and_stops_it_for_its_own_page_alone(runs):
    made = trainer_of(runs)
    with TestClient(create_app(runs=[runs], trainer=made), base_url="http://127.0.0.1") as client:
        assert client.get("/api/machines").json()["training"]["running"] is False
        start = {"content": '{"action": "start"}', "headers": JSON}
        # A page elsewhere cannot: neither under a name of its own, nor with what a form can send.
        assert client.post("/api/training", **start | {"headers": JSON | {"host": "evil.example"}}).status_code == 400
        assert (
            client.post(
                "/api/training", content='{"action": "start"}', headers={"content-type": "text/plain"}
            ).status_code
            == 415
        )
        assert client.post("/api/training", content='{"action": "start", "run": "/"}', headers=JSON).status_code == 422
        assert client.get("/api/training").status_code == 405
        assert not made.about()["running"]
        assert client.post("/api/training", **start).json()["run"] == "copy"
        try:
            assert client.get("/api/machines").json()["training"]["running"] is True
            until((runs / "copy" / "config.yaml").exists)
            assert client.get("/api/machines").json()["training"]["machine"] == "run:copy"
            again = client.post("/api/training", **start)
            assert (again.status_code, "stop it first" in again.json()["detail"]) == (422, True)
        finally:
            assert client.post("/api/training", content='{"action": "stop"}', headers=JSON).status_code == 200
            made.wait(60)


def test_a_run_of_the_same_name_elsewhere_is_not_taken_for_it(runs):
    other = runs.parent / "elsewhere" / "copy"
    other.mkdir(parents=True)
    (other / "config.yaml").touch()
    made = trainer_of(runs)
    with TestClient(create_app(runs=[other, runs], trainer=made), base_url="http://127.0.0.1") as client:
        made.start()
        try:
            until((runs / "copy" / "config.yaml").exists)
            assert client.get("/api/machines").json()["training"]["machine"] == "run:copy (2)"
        finally:
            made.stop()
            made.wait(60)


def test_one_that_cannot_be_started_or_does_not_end_is_said(runs, monkeypatch):
    monkeypatch.setattr(trainer, "PATIENCE", 0.2)
    made = trainer_of(runs, "stubborn")
    made.start()
    until((runs / "copy" / "config.yaml").exists)
    made.stop()
    made.wait(60)
    assert made.about()["problem"] == "it did not end within 0.2 s and was cut short; its last checkpoint is there"
    monkeypatch.setattr(sys, "executable", str(runs / "no python"))
    with pytest.raises(ValueError, match=r"the training could not be started: .*no python"):
        made.start()


def test_without_a_training_none_is_offered():
    with TestClient(create_app(), base_url="http://127.0.0.1") as client:
        assert client.get("/api/machines").json()["training"] is None
        answer = client.post("/api/training", content='{"action": "start"}', headers=JSON)
        assert (answer.status_code, answer.json()["detail"]) == (422, "this explorer was started without a training")
