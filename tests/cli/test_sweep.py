from collections.abc import Iterable
from pathlib import Path

import pytest

from neuraltape.study.processes import Job, Outcome, View
from tests.cli.conftest import Call
from tests.study.processes.here import run_here
from tests.study.tiny import TINY

SET = ["--set", *(f"{name}={value}" for name, value in TINY.items())]


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuraltape.study.plan.run_jobs", run_here)


def test_settings_of_several_flags_are_all_taken(call: Call) -> None:
    more = ["--set", "learning_rate=1e-2,1e-3", "--set", "controller_layers=1,2"]
    said = call("sweep", "copy", *SET, *more, "--seeds", "1")
    assert said.code == 0, said.err
    assert "0 of 4 are done, 4 to run" in said.out


def test_a_sweep_is_made_once_and_can_grow(call: Call) -> None:
    said = call("sweep", "copy", *SET, "learning_rate=1e-2,1e-3", "--seeds", "1")
    assert said.code == 0, said.err
    assert "0 of 2 are done, 2 to run" in said.out
    assert "learning_rate  ended   solved" in said.out
    runs = Path("runs/sweep-copy")
    assert (runs / "learning_rate-0.01-seed-0" / "config.yaml").is_file()
    assert len((runs / "trials.csv").read_text().splitlines()) == 3
    before = (runs / "learning_rate-0.01-seed-0.json").read_bytes()

    said = call("sweep", "copy", *SET, "learning_rate=1e-2,1e-3", "--seeds", "2")
    assert "2 of 4 are done, 2 to run" in said.out
    assert "2 of 2" in said.out
    assert (runs / "learning_rate-0.01-seed-0.json").read_bytes() == before


def test_a_sweep_with_other_settings_is_not_mixed_in(call: Call, refuses: Call) -> None:
    call("sweep", "copy", *SET, "--output", "here")
    other = [*SET, "learning_rate=0.5", "--output", "here"]
    said = refuses("sweep", "copy", *other)
    assert "here holds copy-seed-0 of other settings (learning_rate was 0.003, is 0.5)" in said.err
    said = call("sweep", "copy", *other, "--overwrite")
    assert said.code == 0
    assert "0 of 1 are done, 1 to run" in said.out


def test_a_trial_that_fails_is_tried_again_and_reported(call: Call) -> None:
    Path("runs/sweep-copy").mkdir(parents=True)
    Path("runs/sweep-copy/copy-seed-0").write_text("in the way")
    said = call("sweep", "copy", *SET, "--seeds", "2", "--retries", "1")
    assert said.code == 1
    assert "failed 2 times: copy-seed-0: no luck (see " in said.out
    assert "1 of 2" in said.out
    assert Path("runs/sweep-copy/copy-seed-1.json").is_file()


def test_ctrl_c_says_how_to_go_on(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(jobs: Iterable[Job], *, at_once: int, view: View, retries: int) -> list[Outcome]:
        raise KeyboardInterrupt

    monkeypatch.setattr("neuraltape.study.plan.run_jobs", interrupted)
    said = call("sweep", "copy", "--seeds", "3")
    assert said.code == 130
    assert said.err == "neuraltape: stopped; what was done is kept; go on with: neuraltape sweep copy --seeds 3\n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["cpy"], "TASK must be one of"),
        (["cpy"], "got 'cpy'; did you mean copy?"),
        ([], "TASK is missing"),
        (["copy", "--seeds", "0"], "--seeds must be at least 1 and below 10001; got 0"),
        (["copy", *SET, "--seeds", str(2**64)], f"--seeds must be at least 1 and below 10001; got {2**64}"),
        (["copy", "--retries", "-1"], "--retries must be at least 0; got -1"),
        (["copy", "--set", "learning_rate"], "--set: a setting must be NAME=VALUE"),
        (["copy", "--set", "learning_rate=-1"], "--set: learning_rate must be above 0; got -1"),
        (["copy", "--set", "x=1"], "--set: unknown key 'x'; did you mean"),
        (["copy", "--config", "none.yaml"], "--config must be a YAML file; none.yaml is not a file"),
        (["copy", "--output", "nowhere://x"], "nowhere://x cannot be opened"),
        (["copy", "--set", "learning_rate=1e-4..1e-2"], "learning_rate=0.0001..0.01 is a range, which needs a search"),
        (["copy", "--search", "rand"], "--search must be one of grid, random, bayesian; got 'rand'"),
        (["copy", "--search", "random"], "--set must hold a range or several values of something to search"),
        (["copy", "--search", "random", "--seeds", "2"], "--seeds must be 1 with --search random; got 2"),
        (["copy", "--search", "random", "--trials", "0"], "--trials must be at least 1 and below 1000001; got 0"),
        (["copy", "--trials", "3"], "--trials is for a search; a grid has as many as it has"),
        (["copy", "--search", "random", "--overwrite"], "--overwrite is for a grid; --search random keeps what is"),
        (["copy", "--search", "random", "--set", "x=1..2"], "--set: unknown key 'x'"),
    ],
)
def test_bad_input_is_one_line(refuses: Call, argv: list[str], message: str) -> None:
    assert message in refuses("sweep", *argv).err
