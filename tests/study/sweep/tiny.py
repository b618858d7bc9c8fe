"""Trials that take a second."""

from typing import Any

from neuraltape.study.sweep import Trial, TrialResult, make_trials

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


def tiny_trials(seeds: int = 1, base: dict[str, Any] | None = None, **space: Any) -> list[Trial]:
    return make_trials("copy", {**TINY, **(base or {})}, space, range(seeds))


def result_of(trial: Trial, *, bits: float = 1.0, solved_at: int | None = None, state: Any = "done") -> TrialResult:
    """A result that no trial gave."""
    return TrialResult(
        name=trial.name,
        config=trial.config.flat(),
        state=state,
        bits=bits,
        wrong=0.5,
        optimum=None,
        sequences=480,
        solved_at=solved_at,
        seconds=2.0,
    )
