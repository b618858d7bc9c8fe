"""Sweeps on a real Ray cluster of several nodes on this computer; one node is killed while it works."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from neuraltape.settings import Settings
from neuraltape.study.result import Result
from neuraltape.study.store import Store
from neuraltape.study.sweep import make_trials
from neuraltape.training import train
from tests.cluster.conftest import Note, environment, neuraltape, program, wait_until
from tests.study.s3_server import s3_server
from tests.study.tiny import TINY
from tests.training.small import lines

for package in ("ray", "optuna", "s3fs", "moto", "flask", "flask_cors"):
    pytest.importorskip(package, reason=f"{package} is not installed (pip install 'neuraltape[cluster-test]')")

pytestmark = pytest.mark.timeout(1200)

# Long enough to be killed in the middle.
SETTINGS = {**TINY, "max_sequences": 12_000, "evaluate_every": 2_000, "report_every": 1_000, "checkpoint_every": 0.2}
SET = ["--set", *(f"{name}={value}" for name, value in SETTINGS.items())]


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    with pytest.MonkeyPatch.context() as patch, s3_server("sweeps") as variables:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield variables


@pytest.fixture(scope="module")
def cluster(s3: dict[str, str]) -> Iterator[object]:
    """A head that runs nothing, and three nodes that run one trial each."""
    with pytest.MonkeyPatch.context() as patch:
        # What the nodes are started with is what the trials have.
        for name, value in environment(RAY_USAGE_STATS_ENABLED="0", RAY_worker_niceness="0").items():
            patch.setenv(name, value)
        nodes = patiently(start_nodes)
        try:
            yield nodes
        finally:
            nodes.shutdown()


def start_nodes() -> Any:
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for _ in range(3):
            nodes.add_node(num_cpus=1)
    except Exception:
        nodes.shutdown()
        raise
    return nodes


def patiently(start: Callable[[], Any]) -> Any:
    """Ray gives a node half a minute to start, which is not enough where others use the processors."""
    for _ in range(4):
        try:
            return start()
        except Exception as error:
            last = error
    raise last


def test_a_sweep_outlives_one_of_its_nodes(
    cluster: Any, tmp_path: Path, note: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store("s3://sweeps/lost-node")
    words = ["sweep", "copy", *SET, "learning_rate=1e-2,3e-3,1e-3", "--seeds", "2", "--output", store.url]
    trials = make_trials("copy", {**SETTINGS}, {"learning_rate": [1e-2, 3e-3, 1e-3]}, range(2), store)
    assert len(trials) == 6
    log = tmp_path / "sweep.log"
    monkeypatch.chdir(tmp_path)
    with program(log, *neuraltape(*words, "--cluster", cluster.address)) as process:
        running = lambda: [each.name for each in trials if store.step(each.name)]  # noqa: E731
        wait_until(lambda: len(running()) == 3, seconds=400)
        before = {name: store.step(name) for name in running()}
        victim = sorted(cluster.worker_nodes, key=lambda node: node.unique_id)[0]
        cluster.remove_node(victim, allow_graceful=False)
        seconds = wait_until(lambda: process.poll() is not None, seconds=500)
    said = log.read_text()
    assert process.returncode == 0, said
    again = [line for line in said.splitlines() if line.endswith("started again")]
    assert len(again) == 1, said

    # Nothing is lost: every trial has come to its end, and gives what it gives when nothing breaks.
    results = {trial.name: trial.look().result for trial in trials}
    assert None not in results.values()
    assert {result.sequences for result in results.values() if result} == {12_000}
    (lost,) = (trial for trial in trials if again[0].startswith(f"{trial.name}:"))
    train(Settings.from_flat({**lost.settings, "seed": lost.seed}), run_dir=tmp_path / "whole", progress=False)
    store.pull(lost.name, tmp_path / "back")
    assert lines(tmp_path / "back") == lines(tmp_path / "whole")
    # Nothing is counted twice.
    rows = list(csv.DictReader((store.read("trials.csv") or b"").decode().splitlines()))
    assert [row["name"] for row in rows] == [trial.name for trial in trials]
    assert {row["state"] for row in rows} == {"done"}
    assert said.count(": done, ") == 6
    note(
        f"6 trials on 3 nodes; one node killed when its trial was at step {before[lost.name]} of 750 in the store; it "
        f"was started again elsewhere and has the metrics of an unbroken run; all ended {seconds:.0f} s later"
    )


def test_a_search_stops_bad_trials_and_can_be_gone_on_with(
    cluster: Any, tmp_path: Path, note: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(str(tmp_path / "search"))
    words = ["sweep", "copy", *SET, "learning_rate=1e-5..1e-1", "--search", "bayesian", "--early-stopping"]
    words += ["--jobs", "2", "--output", store.url, "--cluster", cluster.address]
    monkeypatch.chdir(tmp_path)
    for number in (4, 6):
        with program(tmp_path / "log", *neuraltape(*words, "--trials", str(number))) as process:
            wait_until(lambda ended=process: ended.poll() is not None, seconds=500)
        assert process.returncode == 0, (tmp_path / "log").read_text()
        results = {path.stem: Result.load(path) for path in (tmp_path / "search").glob("*.json")}
        assert len(results) == number
        if number == 4:
            before = results
    assert before.items() <= results.items()
    states = [result.state for result in results.values()]
    assert set(states) == {"done", "stopped"}
    assert all((result.sequences or 0) < 12_000 for result in results.values() if result.state == "stopped")
    best = min(results.values(), key=lambda result: result.bits or 0.0)
    assert best.state == "done"
    note(f"Optuna and ASHA, 4 trials and then 6: {states.count('stopped')} stopped early; the 4 were not made again")
