"""A store on a real S3 server, on loopback: its URL, its errors, and what a trial leaves there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from neuraltape.study.plan import make_plan
from neuraltape.study.progress import progress_of
from neuraltape.study.store import Store
from neuraltape.study.train import work
from tests.study.s3_server import s3_server
from tests.study.test_train import fail_at
from tests.study.tiny import config_of, tiny_trials
from tests.training.small import assert_same_end

for package in ("s3fs", "moto", "flask", "flask_cors"):
    pytest.importorskip(package, reason=f"{package} is not installed (pip install 'neuraltape[cluster-test]')")


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, s3_server("trials") as environment:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield


def test_a_trial_on_s3_that_was_stopped_goes_on_to_the_same_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store("s3://trials/first")
    (whole_trial,) = tiny_trials(base={"checkpoint_every": 0}, store=tmp_path)
    (trial,) = tiny_trials(base={"checkpoint_every": 0}, store=store)
    whole = work(whole_trial, config_of(trial))
    fail_at(17, monkeypatch)
    with pytest.raises(RuntimeError):
        work(trial, config_of(trial))
    monkeypatch.undo()
    assert store.step(trial.name) == 17
    assert progress_of(store, trial.name)()["sequences"] == "240"
    # Another computer knows the URL only.
    (trial,) = tiny_trials(base={"checkpoint_every": 0}, store=Store("s3://trials/first"))
    again = work(trial, config_of(trial))
    assert again.bits == whole.bits
    store.pull(trial.name, tmp_path / "back")
    assert_same_end(tmp_path / "back", tmp_path / trial.name)
    plan = make_plan([trial])
    assert (plan.left, plan.results) == ([], {trial.name: again})


def test_results_on_s3_are_found_as_soon_as_they_are_there() -> None:
    store, other = Store("s3://trials/second/"), Store("s3://trials/second")
    (trial,), (same,) = tiny_trials(store=store), tiny_trials(store=other)
    assert trial.look().state == "new"
    result = work(same, config_of(same))
    assert trial.look().result == result
    assert store.path("x") == "s3://trials/second/x"


def test_a_bucket_that_is_not_there_is_an_error() -> None:
    with pytest.raises(OSError, match="bucket"):
        Store("s3://nowhere/x").write("a", b"a")
