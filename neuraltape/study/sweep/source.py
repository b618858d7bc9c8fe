"""Where a search's trials come from."""

from collections.abc import Iterable, Mapping
from typing import Any

from neuraltape.settings.differences import compare, settings_in
from neuraltape.study.store import Store
from neuraltape.study.sweep.space import Range, Space, make_trial
from neuraltape.study.trial import Trial
from neuraltape.tasks.task import Task

# Of numbers that are drawn: enough, and they can be read.
DIGITS = 4


class Source:
    """Makes trials of suggestions; they may not have been thought of before.

    Args:
        task: the task's name.
        base: flat settings that are the same for all.
        store: where the trials are.
        seed: of those that are drawn.
        trials: a grid's, or those that an earlier search began.
        fixed: settings that all trials have, and were asked for.
    """

    def __init__(
        self,
        task: str,
        base: Mapping[str, Any],
        store: Store,
        *,
        seed: int,
        trials: Iterable[Trial] = (),
        fixed: Mapping[str, Any] | None = None,
    ) -> None:
        self.task, self.base, self.store, self.seed, self.fixed = task, dict(base), store, seed, dict(fixed or {})
        self.trials = {trial.name: trial for trial in trials}
        self._read: dict[str, Task] = {}

    def trial(self, suggestion: Mapping[str, Any]) -> Trial:
        """The trial that Tune suggests: by name, or by its settings."""
        if "trial" in suggestion:
            return self.trials[suggestion["trial"]]
        trial = self.make({name: shortened(value) for name, value in suggestion.items()})
        return self.trials.setdefault(trial.name, trial)

    def make(self, varied: Mapping[str, Any]) -> Trial:
        """A trial of these settings. Raises ValueError for a setting that there is not, or a value that cannot be."""
        return make_trial(self.task, self.base, varied, self.seed, self.store, fixed=self.fixed, read=self._read)

    def find_begun(self, names: Iterable[str]) -> None:
        """Take up the trials in the store that vary these settings and nothing else."""
        for name, flat in self.store.configs():
            trial = self.make({each: flat[each] for each in names if each in flat})
            if trial.name == name and not compare(settings_in(flat), trial.settings, trial.defaults):
                self.trials[name] = trial


def make_source(task: str, base: Mapping[str, Any], space: Space, store: Store, *, seed: int) -> Source:
    """The source of a search, with what an earlier one began. Raises ValueError for a value that cannot be."""
    fixed = {name: values[0] for name, values in space.items() if not isinstance(values, Range) and len(values) == 1}
    source = Source(task, base, store, seed=seed, fixed=fixed)
    for name, values in space.items():
        for value in (values.low, values.high) if isinstance(values, Range) else values:
            source.make({name: value})
    source.find_begun([name for name in space if name not in fixed])
    return source


def shortened(value: Any) -> Any:
    """A number with four digits; anything else as it is."""
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
