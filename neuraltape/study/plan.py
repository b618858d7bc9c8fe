"""What is left of a study: its trials without those whose results are there."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from neuraltape.study.processes import Outcome, make_view, run_jobs, run_on_cluster
from neuraltape.study.result import Result
from neuraltape.study.trial import Standing, Trial


@dataclass(frozen=True)
class Plan:
    """The trials of a study, and how far each was when they were looked at."""

    trials: tuple[Trial, ...]
    """All of them."""
    standings: dict[str, Standing]
    """How far they are, by name."""

    @property
    def left(self) -> list[Trial]:
        """Those that are to be made, or made again, or gone on with."""
        return [trial for trial in self.trials if self.standings[trial.name].state != "done"]

    @property
    def stale(self) -> dict[str, str]:
        """What is out of date, and why, by name."""
        return {name: each.why for name, each in self.standings.items() if each.state == "stale"}

    @property
    def results(self) -> dict[str, Result]:
        """What came of those that are done, by name."""
        return {name: each.result for name, each in self.standings.items() if each.result is not None}

    def __str__(self) -> str:
        """How much is left, in words."""
        unfinished = sum(each.state == "unfinished" for each in self.standings.values())
        done = len(self.trials) - len(self.left)
        return f"{done} of {len(self.trials)} are done, {len(self.left)} to run, {unfinished} of them to go on with"

    def run(self, title: str, logs: Path, *, at_once: int, retries: int, cluster: str | None) -> list[Outcome]:
        """Make what is left.

        Args:
            title: what the trials are, for whoever watches.
            logs: the folder for what they print.
            at_once: trials at a time.
            retries: how often one that fails is tried again.
            cluster: the address of a Ray cluster, or "local"; None: processes on this computer.

        Returns:
            How they ended.
        """
        jobs = [trial.job(logs) for trial in self.left]
        if not jobs:
            return []
        run = run_jobs if cluster is None else partial(run_on_cluster, address=cluster)
        return run(jobs, at_once=at_once, retries=retries, view=make_view(title, len(jobs)))


def make_plan(trials: Iterable[Trial]) -> Plan:
    """Look at what is there.

    Raises:
        ValueError: two trials have one name, or a file that should be a result is none.
    """
    trials = tuple(trials)
    standings: dict[str, Standing] = {}
    for trial in trials:
        if trial.name in standings:
            raise ValueError(f"trials must have different names; got {trial.name} twice")
        standings[trial.name] = trial.look()
    return Plan(trials, standings)
