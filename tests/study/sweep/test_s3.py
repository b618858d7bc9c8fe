"""A store on a real S3 server, on loopback: its URL, its errors, and what a trial leaves there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from neuraltape.study.sweep import Store, TrialResult, make_plan
from neuraltape.study.sweep.progress import progress_of
from neuraltape.study.sweep.trial import work
from tests.study.sweep.s3_server import s3_server
from tests.study.sweep.test_trial import fail_at
from tests.study.sweep.tiny import tiny_trials
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
    trial = tiny_trials(base={"checkpoint_every": 0})[0]
    whole = work(Store(str(tmp_path)), trial.name, trial.config)
    fail_at(17, monkeypatch)
    with pytest.raises(RuntimeError):
        work(store, trial.name, trial.config)
    monkeypatch.undo()
    assert store.step(trial.name) == 17
    assert progress_of(store, trial.name)()["sequences"] == "240"
    # Another computer knows the URL only.
    again = work(Store("s3://trials/first"), trial.name, trial.config)
    assert again.bits == whole.bits
    store.pull(trial.name, tmp_path / "back")
    assert_same_end(tmp_path / "back", tmp_path / trial.name)
    plan = make_plan([trial], store)
    assert (plan.left, plan.results) == ([], {trial.name: again})


def test_results_on_s3_are_found_as_soon_as_they_are_there() -> None:
    store, other = Store("s3://trials/second/"), Store("s3://trials/second")
    assert list(store.results()) == []
    trial = tiny_trials()[0]
    result = work(other, trial.name, trial.config)
    assert [TrialResult.from_json(data) for _, data in store.results()] == [result]
    assert store.path("x") == "s3://trials/second/x"


def test_a_bucket_that_is_not_there_is_an_error() -> None:
    with pytest.raises(OSError, match="bucket"):
        Store("s3://nowhere/x").write("a", b"a")
