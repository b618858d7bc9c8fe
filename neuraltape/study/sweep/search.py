"""Searching and stopping early: Ray Tune chooses settings and ends bad trials; each trial is made as any other is.

Settings are drawn at random or by Optuna's tree-structured Parzen estimator. ASHA (Li et al. 2020, arXiv 1810.05934)
compares trials that have had as many sequences, and stops all but the best third at each rung.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from neuraltape.study.processes import Outcome, View
from neuraltape.study.processes.cluster import connection
from neuraltape.study.sweep.source import Source
from neuraltape.study.sweep.space import Range, Space
from neuraltape.study.sweep.tuning import follow
from neuraltape.study.sweep.watcher import Watcher, make_callback

# ASHA: one trial in so many goes on at each rung, and the first rung is at one part in its square.
REDUCTION = 3


@dataclass(frozen=True)
class Search:
    """What to look for, and how."""

    kind: Literal["grid", "random", "bayesian"]
    """All combinations; drawn at random; drawn where good ones were found."""
    early_stopping: bool
    """Whether ASHA stops bad trials."""
    trials: int = 0
    """How many to draw, with those that an earlier search began; a grid has as many as it has."""


def run_search(
    search: Search, space: Space, source: Source, *, address: str, view: View, logs: Path, at_once: int, retries: int
) -> list[Outcome]:
    """Let Ray Tune make the trials.

    Args:
        search: how.
        space: what varies; not used for a grid.
        source: knows all trials afterwards.
        address: of a Ray cluster, or "local".
        view: told what happens.
        logs: folder for what failed trials print.
        at_once: how many trials at a time.
        retries: how often one that fails, or is lost, is started again.

    Returns:
        How trials ended. One that was stopped early has a result with the state "stopped".
    """
    grid = search.kind == "grid"
    with connection(address, at_once), view, tempfile.TemporaryDirectory(prefix="neuraltape-tune-") as folder:
        from ray import tune  # pyright: ignore[reportMissingImports] (an extra)

        watcher = Watcher(view, source, logs)
        tuner = tune.Tuner(
            tune.with_parameters(follow, source=source),
            param_space=_param_space(tune, search, space, source),
            tune_config=tune.TuneConfig(
                metric="bits",
                mode="min",
                num_samples=1 if grid else search.trials,
                max_concurrent_trials=at_once,
                search_alg=None if grid else _algorithm(search, source),
                scheduler=_scheduler(source) if search.early_stopping else None,
            ),
            run_config=tune.RunConfig(
                storage_path=folder,
                verbose=0,
                failure_config=tune.FailureConfig(max_failures=retries),
                callbacks=[make_callback(watcher)],
            ),
        )
        tuner.fit()
    return watcher.outcomes


def _param_space(tune: Any, search: Search, space: Space, source: Source) -> dict[str, Any]:
    if search.kind == "grid":
        return {"trial": tune.grid_search(list(source.trials))}
    varying = {name: values for name, values in space.items() if isinstance(values, Range) or len(values) > 1}
    return {name: _domain(tune, source, name, values) for name, values in varying.items()}


def _domain(tune: Any, source: Source, name: str, values: Sequence[Any] | Range) -> Any:
    if not isinstance(values, Range):
        # As the configuration has them, so that what was begun is found among them.
        return tune.choice([source.make({name: value}).varied[name] for value in values])
    if values.whole:
        draw = tune.lograndint if values.logarithmic else tune.randint
        return draw(int(values.low), int(values.high) + 1)
    return (tune.loguniform if values.logarithmic else tune.uniform)(values.low, values.high)


def _algorithm(search: Search, source: Source) -> Any:
    import optuna  # pyright: ignore[reportMissingImports] (an extra)
    from ray.tune.search.optuna import OptunaSearch  # pyright: ignore[reportMissingImports] (an extra)

    samplers = {"random": optuna.samplers.RandomSampler, "bayesian": optuna.samplers.TPESampler}
    begun = [trial.varied for trial in source.trials.values()]
    # A search that goes on would draw what it drew at its beginning, were its numbers the same.
    (seed,) = np.random.SeedSequence([source.seed, len(begun)]).generate_state(1)
    return OptunaSearch(sampler=samplers[search.kind](seed=int(seed)), points_to_evaluate=begun or None)


def _scheduler(source: Source) -> Any:
    from ray.tune.schedulers import ASHAScheduler  # pyright: ignore[reportMissingImports] (an extra)

    trials = source.trials.values() or [source.make({})]
    longest = max(trial.budget for trial in trials)
    # The bound lies above the budget: a training that reaches its end ends by itself.
    return ASHAScheduler(
        time_attr="sequences",
        max_t=2 * longest,
        grace_period=max(longest // REDUCTION**2, 1),
        reduction_factor=REDUCTION,
    )
