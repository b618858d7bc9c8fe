"""Trials that take a second, and results that none of them gave."""

import json
from pathlib import Path
from typing import Any

from neuraltape.settings import Settings
from neuraltape.study.result import Result
from neuraltape.study.store import Store
from neuraltape.study.sweep import make_trials
from neuraltape.study.trial import Trial

TINY = {
    "model": "lstm",
    "hidden_size": 8,
    "max_length": 3,
    "bits": 2,
    "max_sequences": 480,
    "report_every": 120,
    "evaluate_every": 240,
    "evaluate_sequences": 20,
}


def tiny_trials(
    seeds: int = 1, base: dict[str, Any] | None = None, store: Store | Path | None = None, **space: Any
) -> list[Trial]:
    """Trials in a store, a folder, or a folder that nobody will look for."""
    store = store if isinstance(store, Store) else Store(str(store or "nowhere"))
    return make_trials("copy", {**TINY, **(base or {})}, space, range(seeds), store)


def config_of(trial: Trial) -> Settings:
    """What the process that makes it is told."""
    return Settings.from_flat(json.loads(trial.command[4]))


def result_of(trial: Trial, *, bits: float = 1.0, solved_at: int | None = None, state: Any = "done") -> Result:
    """A result that no trial gave."""
    return Result(
        recipe=trial.recipe,
        task="copy",
        seed=trial.seed,
        settings=dict(trial.settings),
        state=state,
        bits=bits,
        wrong=0.5,
        sequences=480,
        solved_at=solved_at,
        seconds=2.0,
    )
