from pathlib import Path

import pytest

from neuraltape.study.sweep import Store, make_plan
from tests.study.sweep.tiny import result_of, tiny_trials


def test_what_is_done_is_not_left(store: Store, tmp_path: Path) -> None:
    trials = tiny_trials(2, learning_rate=[0.1, 0.2])
    store.write(f"{trials[1].name}.json", result_of(trials[1]).to_json())
    store.write("of-another-sweep.json", b"?")
    plan = make_plan(trials, store)
    assert [trial.name for trial in plan.left] == [trials[0].name, trials[2].name, trials[3].name]
    assert list(plan.results) == [trials[1].name]
    job = plan.jobs(tmp_path)[0]
    assert (job.name, job.commands, job.log) == (
        trials[0].name,
        (trials[0].command(store),),
        tmp_path / f"{trials[0].name}.log",
    )


def test_a_result_of_other_settings_is_stale(store: Store) -> None:
    before, (now,) = tiny_trials()[0], tiny_trials(base={"max_sequences": 900, "report_every": 7})
    store.write(f"{before.name}.json", result_of(before).to_json())
    plan = make_plan([now], store)
    assert plan.stale == {now.name: ["max_sequences was 480, is 900"]}
    assert plan.left == [now]


def test_a_broken_result_is_named(store: Store) -> None:
    store.write("copy-seed-0.json", b"{")
    with pytest.raises(ValueError, match=r"copy-seed-0.json: this is no result of a trial"):
        make_plan(tiny_trials(), store)
