import json
from dataclasses import replace
from pathlib import Path

import pytest

from neuraltape import LSTMBaseline
from neuraltape.runs import Run, load_run
from neuraltape.runs.metrics import Metrics
from neuraltape.study.result import POINTS, Curve, Result, curve_of, result_of
from neuraltape.training import train
from tests.study.made_up import result, write_recipe
from tests.study.tiny import config_of


def line(kind: str, sequences: int, bits: float | None, **others: float) -> dict[str, object]:
    return {"kind": kind, "step": sequences // 10, "sequences": sequences, "bits": bits, **others}


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    made = result(write_recipe(tmp_path), 3)
    made.save(tmp_path / "result.json")
    assert Result.load(tmp_path / "result.json") == made
    assert made.name == "copy-seed-3"
    # One field a line: small, and a change shows as one.
    assert len((tmp_path / "result.json").read_text().splitlines()) == 2 + len(vars(made)) + 1


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "[1]", "null", "{}", '{"format": "neuraltape-result-2"}', '{"format": "other"}'),
        '{"format": "neuraltape-result-1", "recipe": "copy", "task": "copy", "seed": 0, "settings": {}}',
        '{"format": "neuraltape-result-2", "recipe": "copy", "task": "copy", "seed": "0", "settings": {}}',
        '{"format": "neuraltape-result-2", "recipe": "copy", "task": "copy", "seed": 0, "settings": []}',
        '{"format": "neuraltape-result-2", "recipe": "copy", "task": "copy", "seed": 0, "settings": {}, "scores": [1]}',
    ],
)
def test_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(ValueError, match=r"result.json: this is no result of a run \(neuraltape-result-2\)"):
        Result.load(tmp_path / "result.json")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("task", 1), ("seed", True), ("seed", 1.5), ("seconds", "x"), ("seconds", 10**400), ("bits", [1])),
        *(("state", "odd"), ("errors", {"test": 1}), ("errors", {"test": {"1": "x"}}), ("probes", [1]), ("curve", 1)),
        ("curve", {"sequences": ["x"], "bits": []}),
        ("scores", [{"label": "x", "sequences": 1}]),
        *(("restarts", None), ("solved_at", 2.5)),
    ],
)
def test_a_value_that_a_field_cannot_have_is_refused(tmp_path: Path, name: str, value: object) -> None:
    values = json.loads(result(write_recipe(tmp_path), 3).to_json())
    assert name in values
    (tmp_path / "result.json").write_text(json.dumps(values | {name: value}))
    with pytest.raises(ValueError, match=r"result\.json: this is no result of a run"):
        Result.load(tmp_path / "result.json")


def test_fields_that_are_new_or_gone_leave_a_file_readable(tmp_path: Path) -> None:
    made = result(write_recipe(tmp_path), 3)
    values = json.loads(made.to_json())
    values["later"] = {"a": 1}
    values["scores"][0]["later"] = 1
    values["curve"]["later"] = 1
    del values["state"], values["errors"], values["curve"]["excess"], values["scores"][0]["marker"]
    assert Result.from_json(json.dumps(values).encode()) == made
    least = {name: values[name] for name in ("format", "recipe", "task", "seed", "settings")}
    found = Result.from_json(json.dumps(least).encode())
    assert (found.name, found.scores, found.curve, found.bits) == ("copy-seed-3", (), Curve(), None)


def test_a_run_is_measured(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    train(config_of(recipe.trial(2, runs=tmp_path, results=tmp_path)), run_dir=tmp_path / "run", progress=False)
    run = load_run(tmp_path / "run")
    made = result_of(run, recipe.name, measured=True)
    assert (made.recipe, made.task, made.seed, made.sequences) == ("copy", "copy", 2, 480)
    assert made.solved_at is None
    assert made.parameters == sum(each.numel() for each in run.model.parameters())
    assert [score.label for score in made.scores] == list(made.probes) == ["1-3", "30", "50", "120", "200 (256 slots)"]
    assert made.scores[0].sequences == 1000
    # 480 sequences teach it next to nothing: far from a bit wrong in four, nearer to one in two.
    assert made.scores[3].wrong_mean == pytest.approx(120, rel=0.2)
    last = run.metrics.scores[-1]
    assert (made.bits, made.wrong, made.excess) == (last["bits"], last["wrong"], None)
    evaluations = [each for each in run.metrics.lines if each["kind"] == "evaluation"]
    assert made.curve.sequences == tuple(each["sequences"] for each in evaluations) == (128, 240, 368, 480)
    assert made.curve.bits == pytest.approx([each["bits"] for each in evaluations], rel=1e-5)
    json.loads(json.dumps(made.settings))


def test_a_run_that_has_not_ended_is_not_measured(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    train(recipe.config, run_dir=tmp_path / "run", progress=False)
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace("max_sequences: 480", "max_sequences: 481"))
    with pytest.raises(ValueError, match="has not ended; go on with: neuraltape resume"):
        result_of(load_run(tmp_path / "run"), "copy", measured=False)


def test_a_run_is_solved_at_the_first_confirmation_below_the_goal(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    scores = {120: 0.2, 240: 0.1, 360: 0.05, 480: 0.01}
    lines = [line("evaluation", 60, 0.01, wrong=0.0, seconds=1.0)]
    lines += [line("confirmation", at, bits, wrong=0.0, seconds=at / 10 + 0.04) for at, bits in scores.items()]
    config = config_of(recipe.trial(0, runs=tmp_path, results=tmp_path))
    run = Run(tmp_path, config, LSTMBaseline(4, 8, 2), Metrics(tuple(lines)))
    made = result_of(run, "copy", measured=False)
    assert (made.solved_at, made.solved_seconds, made.seconds, made.bits) == (360, 36.0, 48.0, 0.01)
    assert made.rate == 10.0
    # At the goal is not below it.
    assert result_of(replace(run, metrics=Metrics((*lines[:3], lines[-1]))), "copy", measured=False).solved_at == 480
    never = replace(run, metrics=Metrics((*lines[:3], line("training", 480, 0.0, seconds=48.0))))
    assert result_of(never, "copy", measured=False).solved_at is None


def test_the_curve_prefers_a_confirmation_and_leaves_out_the_training() -> None:
    first = [line("training", 10, 9.0), line("evaluation", 10, 8.0)]
    last = (line("evaluation", 20, 0.05), line("confirmation", 20, 0.06), line("evaluation", 30, None))
    curve = curve_of(Metrics((*first, *last)))
    assert (curve.sequences, curve.bits, curve.excess) == ((10, 20), (8.0, 0.06), None)


def test_the_curve_is_thinned_and_keeps_both_ends() -> None:
    lines = (line("evaluation", 10 * step, 200.0 + step, excess=float(step)) for step in range(1, 1001))
    curve = curve_of(Metrics(tuple(lines)))
    assert len(curve.sequences) == len(set(curve.sequences)) == POINTS
    assert (curve.sequences[0], curve.sequences[-1]) == (10, 10_000)
    assert curve.excess is not None
    assert (curve.bits[-1], curve.excess[-1]) == (1200.0, 1000.0)


def test_a_curve_without_points_is_empty() -> None:
    assert curve_of(Metrics()).sequences == ()
