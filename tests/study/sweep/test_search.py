"""What is asked of Ray Tune, without it; tests/cluster runs searches on it."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from neuraltape.study.store import Store
from neuraltape.study.sweep import Search, Source, make_source, read_space
from neuraltape.study.sweep.search import _algorithm, _param_space, _scheduler
from tests.study.tiny import TINY, tiny_trials

SETTINGS = ["learning_rate=1e-4..1e-2", "clip_at=0.5..0.9", "hidden_size=4..8", "max_sequences=100..5000"]


class Tune:
    """Says what it was asked for."""

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: (name, *arguments)


def space_of(source: Source, words: list[str], kind: Any = "random") -> dict[str, Any]:
    return _param_space(Tune(), Search(kind, early_stopping=False), read_space(words), source)


def test_a_range_is_drawn_from_end_to_end_on_its_scale(store: Store) -> None:
    space = read_space(SETTINGS)
    assert space_of(make_source("copy", TINY, space, store, seed=0), SETTINGS) == {
        "learning_rate": ("loguniform", 1e-4, 1e-2),
        "clip_at": ("uniform", 0.5, 0.9),
        # Tune leaves the upper end of whole numbers out.
        "hidden_size": ("randint", 4, 9),
        "max_sequences": ("lograndint", 100, 5001),
    }


def test_of_several_values_one_is_chosen_as_the_settings_have_it(store: Store) -> None:
    words = ["learning_rate=1e-4,3e-4", "max_length=4"]
    assert space_of(Source("copy", TINY, store, seed=0), words) == {"learning_rate": ("choice", [1e-4, 3e-4])}


def test_a_grid_is_suggested_trial_by_trial(store: Store) -> None:
    source = Source("copy", TINY, store, seed=0, trials=tiny_trials(2, store=store))
    assert space_of(source, [], "grid") == {"trial": ("grid_search", ["copy-seed-0", "copy-seed-1"])}


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages that keep what they are given."""
    samplers = SimpleNamespace(RandomSampler=lambda seed: ("random", seed), TPESampler=lambda seed: ("parzen", seed))
    modules = {
        "optuna": {"samplers": samplers},
        "ray": {},
        "ray.tune": {},
        "ray.tune.search": {},
        "ray.tune.search.optuna": {"OptunaSearch": lambda **given: given},
        "ray.tune.schedulers": {"ASHAScheduler": lambda **given: given},
    }
    for name, content in modules.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)


def test_a_search_that_goes_on_draws_other_numbers_and_knows_what_was_begun(ray: None, store: Store) -> None:
    source = Source("copy", TINY, store, seed=3)
    first, same = (_algorithm(Search(kind, early_stopping=False), source) for kind in ("random", "bayesian"))
    assert (first["sampler"][0], same["sampler"][0]) == ("random", "parzen")
    assert first["sampler"][1] == same["sampler"][1]
    assert first["points_to_evaluate"] is None
    source.trial({"learning_rate": 0.002})
    on = _algorithm(Search("random", early_stopping=False), source)
    assert on["points_to_evaluate"] == [{"learning_rate": 0.002}]
    assert on["sampler"] != first["sampler"]
    other = _algorithm(Search("random", early_stopping=False), Source("copy", TINY, store, seed=4))
    assert other["sampler"] != first["sampler"]


def test_trials_are_compared_from_a_ninth_of_the_longest_budget_on(ray: None, store: Store) -> None:
    source = Source("copy", TINY, store, seed=0, trials=tiny_trials(store=store, max_sequences=[480, 900]))
    asked = _scheduler(source)
    assert (asked["time_attr"], asked["grace_period"], asked["reduction_factor"]) == ("sequences", 100, 3)
    # A training that reaches its end is not stopped there.
    assert asked["max_t"] > 900
