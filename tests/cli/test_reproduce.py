from collections.abc import Iterable
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from neuraltape.study.processes import Job, Outcome, View
from neuraltape.study.result import Result
from tests.cli.conftest import Call
from tests.study.made_up import write_recipe
from tests.study.processes.here import run_here


@pytest.fixture(autouse=True)
def trial(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny recipe, and jobs in this process."""
    write_recipe(here / "recipes")
    monkeypatch.setattr("neuraltape.cli.reproduce.FOLDERS", (here / "recipes",))
    monkeypatch.setattr("neuraltape.study.plan.run_jobs", run_here)

    def touch(figure: Figure, path: Path, *, untouched: bool = False) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    monkeypatch.setattr("neuraltape.plotting.save_figure", touch)


def test_what_is_missing_is_run_and_what_is_done_is_skipped(call: Call) -> None:
    said = call("reproduce", "copy", "--seeds", "1")
    assert said.code == 0, said.err
    assert "0 of 1 are done, 1 to run, 0 of them to go on with" in said.out
    assert "copy: solved 0 of 1 (below 0.1 bit)\n  seed 0: " in said.out
    assert " on fresh sequences; last evaluations " in said.out
    assert "wrote results/README.md" in said.out
    first = Path("results/copy/copy-seed-0.json").read_bytes()
    assert Path("runs/reproduce/copy-seed-0/config.yaml").is_file()
    assert Result.load(Path("results/copy/copy-seed-0.json")).recipe == "copy"

    said = call("reproduce", "--seeds", "2")
    assert "1 of 2 are done, 1 to run" in said.out
    assert Path("results/copy/copy-seed-0.json").read_bytes() == first
    assert Result.load(Path("results/copy/copy-seed-1.json")).seed == 1


def test_recipes_of_other_tasks_than_the_papers_are_made_where_they_are_named(
    call: Call, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_recipe(here / "recipes", "key-value", task="key-value", max_length=3)
    asked: list[str] = []
    monkeypatch.setattr(
        "neuraltape.study.plan.run_jobs", lambda jobs, **k: asked.extend(each.name for each in jobs) or []
    )
    said = call("reproduce", "--seeds", "1")
    assert asked == ["copy-seed-0"]
    assert (
        "left out, as they are not of the paper's tasks and machines: key-value; each is made where it is named"
        in said.out
    )
    asked.clear()
    assert "paper's tasks" not in call("reproduce", "key-value", "--seeds", "1").out
    assert asked == ["key-value-seed-0"]


def test_a_changed_recipe_is_said_and_made_again(call: Call, here: Path) -> None:
    call("reproduce", "--seeds", "1")
    write_recipe(here / "recipes", hidden_size=9)
    said = call("reproduce", "--seeds", "1")
    assert "copy-seed-0 is out of date and is made again: hidden_size was 8, is 9" in said.out
    assert Result.load(Path("results/copy/copy-seed-0.json")).settings["hidden_size"] == 9


def test_a_failed_run_is_reported_and_the_others_go_on(call: Call) -> None:
    Path("runs/reproduce").mkdir(parents=True)
    Path("runs/reproduce/copy-seed-0").write_text("in the way")
    said = call("reproduce", "--seeds", "2")
    assert said.code == 1
    assert "failed 3 times: copy-seed-0: no luck (see runs/reproduce/copy-seed-0.log)" in said.out
    assert "copy: solved 0 of 2" in said.out
    assert "\n  seed 0: no result\n" in said.out
    assert Path("results/copy/copy-seed-1.json").is_file()
    assert "0: no result" in Path("results/README.md").read_text()


def test_a_report_runs_nothing(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    call("reproduce", "--seeds", "1")
    monkeypatch.setattr("neuraltape.study.plan.run_jobs", None)
    Path("results/README.md").unlink()
    said = call("reproduce", "--report-only", "--seeds", "2")
    assert said.code == 0
    assert "copy: solved 0 of 2" in said.out
    assert Path("results/README.md").is_file()


@pytest.mark.parametrize(("seeds", "total"), [(7, 7), (3, 5)])
def test_a_report_is_of_the_block_that_is_there(
    call: Call, monkeypatch: pytest.MonkeyPatch, seeds: int, total: int
) -> None:
    # Where fewer are there than are usually run, the others are missing, not left out.
    monkeypatch.setattr("neuraltape.study.reproduce.recipe.Recipe.usual_seeds", 5)
    call("reproduce", "--seeds", "1", "--first-seed", "20")
    one = Path("results/copy/copy-seed-20.json").read_text()
    for seed in range(20, 20 + seeds):
        text = one.replace('"seed": 20', f'"seed": {seed}').replace("copy-seed-20", f"copy-seed-{seed}")
        Path(f"results/copy/copy-seed-{seed}.json").write_text(text)
    monkeypatch.setattr("neuraltape.study.plan.run_jobs", None)
    assert f"copy: solved 0 of {total} " in call("reproduce", "--report-only").out


def test_ctrl_c_says_how_to_go_on(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(jobs: Iterable[Job], *, at_once: int, view: View, retries: int) -> list[Outcome]:
        raise KeyboardInterrupt

    monkeypatch.setattr("neuraltape.study.plan.run_jobs", interrupted)
    said = call("reproduce", "copy", "--seeds", "3")
    assert said.code == 130
    assert said.err == "neuraltape: stopped; what was done is kept; go on with: neuraltape reproduce copy --seeds 3\n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["cpy"], "RECIPE must be one of copy; got 'cpy'; did you mean copy?"),
        (["--seeds", "0"], "--seeds must be at least 1 and below 10001; got 0"),
        (["--first-seed", "-1"], "--first-seed must be at least 0 and below 9223372036854775808; got -1"),
        (["--jobs", "0"], "--jobs must be at least 1 and below 10001; got 0"),
        (["--seeds", "many"], "--seeds must be a whole number or null; got 'many'"),
    ],
)
def test_bad_input_is_one_line(refuses: Call, argv: list[str], message: str) -> None:
    assert message in refuses("reproduce", *argv).err
