"""Where rows are kept from training, the machine that is best on them is the one that a run keeps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neuraltape.evaluation.rows import score_rows
from neuraltape.runs import load_run
from neuraltape.runs.checkpoint import load_checkpoint
from neuraltape.settings import AdamSettings, Settings
from neuraltape.tasks.sequences import Sequences
from neuraltape.training import resume, train
from neuraltape.training.counters import Counters
from neuraltape.training.phases import note_best
from tests.training.small import lines, small


def settings(folder: Path, **options: Any) -> Settings:
    """Bits that are pure chance: the machine learns the training rows by heart and gets worse on the others."""
    chance = np.random.default_rng(0)
    inputs, targets = chance.random((12, 4, 2)), chance.integers(0, 2, (12, 4, 3))
    np.savez(folder / "data.npz", inputs=inputs, targets=targets)
    task = Sequences(str(folder / "data.npz"), validation_fraction=0.4)
    optimizer = AdamSettings(learning_rate=0.05)
    usual = {"evaluate_every": 40, "max_sequences": 400, "evaluate_sequences": 100, "report_every": 400}
    return small(task=task, optimizer=optimizer, **{**usual, **options})


def evaluations(run: Path) -> list[tuple[int, float]]:
    return [(line["sequences"], line["bits"]) for line in lines(run) if line["kind"] == "evaluation"]


def test_the_best_machine_is_kept_and_the_last_can_be_asked_for(tmp_path: Path) -> None:
    result = train(settings(tmp_path), run_dir=tmp_path / "run", progress=False)
    scores = evaluations(tmp_path / "run")
    # Of 12 rows 5 are kept; 100 were asked for.
    assert {line["evaluated"] for line in lines(tmp_path / "run") if line["kind"] == "evaluation"} == {5}
    best_at, best = min(scores, key=lambda each: each[1])
    assert (result.best_at, result.best) == (best_at, best)
    assert best_at < 400
    kept, last = load_run(tmp_path / "run"), load_run(tmp_path / "run", last=True)
    task: Sequences = kept.task  # type: ignore[assignment]
    for run, bits in ((kept, best), (last, scores[-1][1])):
        # Each row that was kept from training counts once.
        assert score_rows(run.model, task, task.parts["validation"]).score == pytest.approx(bits, rel=1e-5)
    weights = load_checkpoint(tmp_path / "run" / "checkpoint" / "state.safetensors").part("model")
    assert all(torch.equal(each, weights[name]) for name, each in last.model.state_dict().items())


def test_the_last_average_can_be_asked_for(tmp_path: Path) -> None:
    given = settings(tmp_path)
    optimizer = AdamSettings(learning_rate=0.05, average=0.9)
    train(Settings(given.task, given.model, optimizer, loop=given.loop), run_dir=tmp_path / "run", progress=False)
    run = load_run(tmp_path / "run", last=True)
    task: Sequences = run.task  # type: ignore[assignment]
    bits = evaluations(tmp_path / "run")[-1][1]
    assert score_rows(run.model, task, task.parts["validation"]).score == pytest.approx(bits, rel=1e-5)


def test_patience_ends_a_training_that_gets_no_better(tmp_path: Path) -> None:
    result = train(settings(tmp_path, patience=2), run_dir=tmp_path / "run", progress=False)
    assert result.best_at is not None
    assert result.sequences == result.best_at + 80 < 400
    assert resume(tmp_path / "run", progress=False).sequences == result.sequences


def test_going_on_keeps_what_was_best(tmp_path: Path) -> None:
    whole = settings(tmp_path)
    train(whole, run_dir=tmp_path / "whole", progress=False)
    train(settings(tmp_path, max_sequences=200), run_dir=tmp_path / "parts", progress=False)
    resume(tmp_path / "parts", max_sequences=400, progress=False)
    assert evaluations(tmp_path / "whole") == evaluations(tmp_path / "parts")
    models = [load_run(tmp_path / name).model.state_dict() for name in ("whole", "parts")]
    assert all(torch.equal(each, models[1][name]) for name, each in models[0].items())


def test_patience_without_kept_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="patience needs sequences that are kept for validation; copy keeps none here"):
        train(small(patience=2), run_dir=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_nan_is_never_the_best() -> None:
    counters = Counters(sequences=5)
    assert not note_best(counters, float("nan"))
    assert note_best(counters, 3.0)
    assert not note_best(counters, 3.0)
    assert (counters.best, counters.best_at, counters.no_better) == (3.0, 5, 1)
