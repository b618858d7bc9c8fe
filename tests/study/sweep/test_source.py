import pytest

from neuraltape.study.store import Store
from neuraltape.study.sweep import make_source, read_space
from neuraltape.study.sweep.source import Source, shortened
from tests.study.tiny import TINY, config_of, tiny_trials

SPACE = read_space(["learning_rate=1e-4..1e-2", "clip=norm,none", "max_length=4"])


def test_a_suggestion_becomes_a_trial_with_a_name_that_can_be_read(store: Store) -> None:
    source = make_source("copy", TINY, SPACE, store, seed=3)
    trial = source.trial({"learning_rate": 0.00123456, "clip": "none"})
    assert trial.name == "learning_rate-0.001235-clip-none-seed-3"
    assert trial.settings["max_length"] == 4
    assert source.trial({"learning_rate": 0.0012349, "clip": "none"}) is trial
    assert list(source.trials) == [trial.name]
    assert [shortened(value) for value in (3, "a", 12345.6)] == [3, "a", 12350.0]


def test_a_trial_of_a_grid_is_suggested_by_name(store: Store) -> None:
    (trial,) = tiny_trials()
    assert Source("copy", TINY, store, seed=0, trials=[trial]).trial({"trial": trial.name}) is trial


def test_what_an_earlier_search_began_is_found(store: Store) -> None:
    first = make_source("copy", TINY, SPACE, store, seed=0)
    begun = first.trial({"learning_rate": 0.002, "clip": "norm"})
    store.write(f"{begun.name}/config.yaml", config_of(begun).to_yaml().encode())
    store.write("something-else/config.yaml", config_of(begun).to_yaml().encode())
    assert list(make_source("copy", TINY, SPACE, store, seed=0).trials) == [begun.name]
    # With another seed, or on another base, it is another trial.
    assert make_source("copy", TINY, SPACE, store, seed=1).trials == {}
    assert make_source("copy", {**TINY, "hidden_size": 9}, SPACE, store, seed=0).trials == {}


def test_both_ends_of_a_range_have_to_be_possible(store: Store) -> None:
    with pytest.raises(ValueError, match=r"average must be at least 0 and below 1; got 2"):
        make_source("copy", TINY, read_space(["average=0.5..2.0"]), store, seed=0)
