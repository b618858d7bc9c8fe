from pathlib import Path

import pytest

from neuraltape.study.plan import make_plan
from neuraltape.study.store import Store
from tests.study.tiny import config_of, result_of, tiny_trials


def test_what_is_done_is_not_left(store: Store, tmp_path: Path) -> None:
    trials = tiny_trials(2, learning_rate=[0.1, 0.2], store=store)
    store.write(f"{trials[1].name}.json", result_of(trials[1]).to_json())
    store.write(f"{trials[2].name}/config.yaml", config_of(trials[2]).to_yaml().encode())
    store.write("of-another-sweep.json", b"?")
    plan = make_plan(trials)
    assert [trial.name for trial in plan.left] == [trials[0].name, trials[2].name, trials[3].name]
    assert list(plan.results) == [trials[1].name]
    assert str(plan) == "1 of 4 are done, 3 to run, 1 of them to go on with"
    job = plan.left[0].job(tmp_path)
    assert (job.name, job.command, job.log) == (trials[0].name, trials[0].command, tmp_path / f"{job.name}.log")


def test_what_is_stale_is_made_again_and_no_result(store: Store) -> None:
    (before,), (now,) = (
        tiny_trials(store=store),
        tiny_trials(base={"max_sequences": 900, "report_every": 7}, store=store),
    )
    store.write(f"{before.name}.json", result_of(before).to_json())
    plan = make_plan([now])
    assert plan.stale == {now.name: "max_sequences was 480, is 900"}
    assert (plan.left, plan.results) == ([now], {})


def test_no_two_trials_have_one_name(store: Store) -> None:
    with pytest.raises(ValueError, match="trials must have different names; got copy-seed-0 twice"):
        make_plan([*tiny_trials(store=store), *tiny_trials(store=store)])


def test_nothing_is_run_where_nothing_is_left(store: Store, tmp_path: Path) -> None:
    (trial,) = tiny_trials(store=store)
    store.write(f"{trial.name}.json", result_of(trial).to_json())
    assert make_plan([trial]).run("trial", tmp_path, at_once=1, retries=0, cluster="nowhere") == []
