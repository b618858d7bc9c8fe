"""What is left of a sweep: its trials without those whose results are there."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from neuraltape.settings.differences import differences, settings_in
from neuraltape.study.processes import Job
from neuraltape.study.sweep.progress import progress_of
from neuraltape.study.sweep.result import TrialResult
from neuraltape.study.sweep.store import Store
from neuraltape.study.sweep.trial import Trial


@dataclass(frozen=True)
class Plan:
    """The trials of a sweep, and what is known of them."""

    store: Store
    """Where they are."""
    trials: tuple[Trial, ...]
    """All of them."""
    results: dict[str, TrialResult]
    """By name, of those that have ended."""
    stale: dict[str, list[str]]
    """By name, those whose result was made with other settings: what differs."""

    @property
    def left(self) -> list[Trial]:
        """What is to be made."""
        return [trial for trial in self.trials if trial.name not in self.results]

    def jobs(self, logs: Path) -> list[Job]:
        """What makes those; `logs` is the folder for what they print."""
        return [job_of(self.store, trial, logs) for trial in self.left]


def job_of(store: Store, trial: Trial, logs: Path) -> Job:
    """What makes a trial."""
    loop, log = trial.config.loop, logs / f"{trial.name}.log"
    cpus, gpus = (0, loop.devices) if loop.accelerator == "cuda" else (loop.devices, 0)
    return Job(trial.name, (trial.command(store),), log, progress_of(store, trial.name), max(cpus, 1), gpus)


def finished(store: Store, trial: Trial) -> TrialResult | None:
    """The trial's result, if there is one that was made with its settings.

    Raises:
        ValueError: the file that should be it is none.
    """
    data = store.read(f"{trial.name}.json")
    result = None if data is None else TrialResult.from_json(data)
    return None if result is None or differences(settings_in(result.config), trial.config) else result


def make_plan(trials: Iterable[Trial], store: Store) -> Plan:
    """Look at what is there.

    Raises:
        ValueError: a file that should be a result is none.
    """
    trials = tuple(trials)
    names = {trial.name for trial in trials}
    found: dict[str, TrialResult] = {}
    for name, data in store.results():
        if name in names:
            try:
                found[name] = TrialResult.from_json(data)
            except ValueError as error:
                raise ValueError(f"{store.path(name)}.json: {error}") from error
    changes = {
        trial.name: differences(settings_in(found[trial.name].config), trial.config)
        for trial in trials
        if trial.name in found
    }
    stale = {name: phrases for name, phrases in changes.items() if phrases}
    results = {name: result for name, result in found.items() if name not in stale}
    return Plan(store, trials, results, stale)
