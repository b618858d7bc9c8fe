from pathlib import Path
from typing import Any

import pytest

from neuraltape.study.processes import View
from neuraltape.study.processes.cluster import JobFailedError
from neuraltape.study.store import Store
from neuraltape.study.sweep.source import Source
from neuraltape.study.sweep.tuning import report_new
from neuraltape.study.sweep.watcher import Watcher
from tests.study.tiny import TINY, result_of, tiny_trials

FIRST = {"learning_rate": 0.1}


@pytest.fixture
def watcher(store: Store, tmp_path: Path) -> Watcher:
    return Watcher(View("trial", 3), Source("copy", TINY, store, seed=0), tmp_path / "logs")


def test_a_trial_that_was_stopped_has_a_result_that_says_so(watcher: Watcher) -> None:
    watcher.started(FIRST)
    watcher.ended(FIRST, {"bits": 7.5, "sequences": 240, "time_total_s": 3.0})
    result = watcher.source.trial(FIRST).look().result
    assert result is not None
    assert (result.state, result.bits, result.sequences, result.seconds) == ("stopped", 7.5, 240, 3.0)
    assert [outcome.state for outcome in watcher.outcomes] == ["done"]


def test_the_result_of_a_trial_that_came_to_its_end_stays(watcher: Watcher) -> None:
    trial = watcher.source.trial(FIRST)
    watcher.source.store.write(f"{trial.name}.json", result_of(trial, bits=1.0).to_json())
    watcher.ended(FIRST, {"bits": 7.5, "sequences": 240})
    result = trial.look().result
    assert result is not None
    assert (result.state, result.bits) == ("done", 1.0)


def test_a_failure_is_said_and_its_log_kept(watcher: Watcher, capsys: pytest.CaptureFixture[str]) -> None:
    watcher.started(FIRST)
    watcher.started(FIRST)
    watcher.failed(FIRST, JobFailedError("no luck", "a\nno luck\n"))
    watcher.failed({"learning_rate": 0.2}, None)
    assert [outcome.reason for outcome in watcher.outcomes] == ["no luck", "lost"]
    assert watcher.outcomes[0].job.log.read_text() == "a\nno luck\n"
    said = capsys.readouterr().err.splitlines()
    assert said[:2] == ["learning_rate-0.1-seed-0: started", "learning_rate-0.1-seed-0: started again"]
    assert said[2].startswith("learning_rate-0.1-seed-0: failed: no luck (see ")


def test_each_evaluation_is_reported_once(store: Store) -> None:
    (trial,) = tiny_trials(store=store)
    told: list[dict[str, Any]] = []

    class Tune:
        @staticmethod
        def report(values: dict[str, Any]) -> None:
            told.append(values)

    lines = [
        '{"kind": "training", "sequences": 120, "bits": 9}',
        '{"kind": "evaluation", "sequences": 240, "bits": 3.5}',
    ]
    store.write(f"{trial.name}/metrics.jsonl", ("\n".join(lines) + "\n").encode())
    reported = report_new(Tune, trial, 0)
    assert (reported, told) == (240, [{"bits": 3.5, "sequences": 240}])
    assert report_new(Tune, trial, reported) == 240
    assert len(told) == 1
