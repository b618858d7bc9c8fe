import csv

from neuraltape.study.store import Store
from neuraltape.study.sweep import rows_of, write_report
from tests.study.tiny import result_of, tiny_trials


def test_a_row_holds_all_seeds_of_a_setting_and_the_best_comes_first() -> None:
    trials = tiny_trials(3, learning_rate=[0.1, 0.2, 0.3])
    results = {
        trials[0].name: result_of(trials[0], bits=5.0),
        trials[1].name: result_of(trials[1], bits=1.0, solved_at=400),
        trials[3].name: result_of(trials[3], bits=0.5, solved_at=100),
        trials[4].name: result_of(trials[4], bits=0.7, solved_at=300),
        trials[5].name: result_of(trials[5], bits=9.0, state="stopped"),
    }
    rows = rows_of(trials, results)
    assert [row.varied["learning_rate"] for row in rows] == [0.2, 0.1, 0.3]
    assert rows[0].cells == ["3 of 3 (1 stopped early)", "2 of 3", "300", "0.7", "9", "240"]
    assert rows[1].cells == ["2 of 3", "1 of 3", "-", "3", "5", "240"]
    assert rows[2].cells == ["0 of 3", "-", "-", "-", "-", "-"]


def test_a_seed_that_has_not_ended_never_solved_its_task(store: Store) -> None:
    trials = tiny_trials(3, store=store)
    results = {trial.name: result_of(trial, solved_at=at) for trial, at in zip(trials, (100, 300), strict=False)}
    (row,) = rows_of(trials, results)
    assert row.cells == ["2 of 3", "2 of 3", "300", "1", "1", "240"]


def test_the_files_hold_every_setting_and_every_trial(store: Store) -> None:
    trials = tiny_trials(2, learning_rate=[0.1, 0.2])
    write_report(trials, {trials[0].name: result_of(trials[0], bits=0.25)}, store)
    table = (store.read("table.md") or b"").decode().splitlines()
    assert table[0].startswith("| learning_rate | ended | solved |")
    assert table[2] == "| 0.1 | 1 of 2 | 0 of 2 | - | 0.25 | 0.25 | 240 |"
    assert len(table) == 4
    rows = list(csv.DictReader((store.read("trials.csv") or b"").decode().splitlines()))
    assert [row["name"] for row in rows] == [trial.name for trial in trials]
    assert (rows[0]["state"], rows[0]["bits"], rows[0]["learning_rate"], rows[0]["seed"]) == (
        "done",
        "0.25",
        "0.1",
        "0",
    )
    assert rows[3]["state"] == "missing"
