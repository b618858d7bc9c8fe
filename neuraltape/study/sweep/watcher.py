"""What becomes of the trials that Ray Tune starts, for the view and for the store."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neuraltape.files import write_atomically
from neuraltape.study.processes import Job, Outcome, View
from neuraltape.study.processes.cluster import JobFailedError
from neuraltape.study.result import Result
from neuraltape.study.sweep.source import Source
from neuraltape.study.trial import Trial


class Watcher:
    """Tells the view what happens, and writes down the results of trials that were stopped.

    Args:
        view: told what happens.
        source: knows the trials.
        logs: folder for what failed trials print.
    """

    def __init__(self, view: View, source: Source, logs: Path) -> None:
        self.view, self.source, self.logs = view, source, logs
        self.outcomes: list[Outcome] = []
        self._running: dict[str, Job] = {}
        self._since: dict[str, float] = {}

    def started(self, suggestion: Mapping[str, Any]) -> None:
        """A trial has been started."""
        job = self._job(self.source.trial(suggestion))
        if job.name in self._since:
            self.view.say(f"{job.name}: started again")
        else:
            self.view.started(job)
        self._since.setdefault(job.name, time.monotonic())
        self._running[job.name] = job

    def ended(self, suggestion: Mapping[str, Any], last: Mapping[str, Any]) -> None:
        """It has come to its end, or was stopped early."""
        trial = self.source.trial(suggestion)
        if trial.look().result is None:
            self._write_stopped(trial, last)
        self._over(trial, "")

    def failed(self, suggestion: Mapping[str, Any], error: BaseException | None) -> None:
        """It has failed, and is not started again."""
        trial = self.source.trial(suggestion)
        cause = getattr(error, "cause", error)
        if isinstance(cause, JobFailedError):
            write_atomically(self._job(trial).log, cause.log.encode())
        self._over(trial, str(cause or "lost").strip().splitlines()[-1])

    def update(self) -> None:
        """Time has passed."""
        waiting = self.view.total - len(self.outcomes) - len(self._running)
        self.view.update(list(self._running.values()), waiting=max(waiting, 0))

    def _over(self, trial: Trial, reason: str) -> None:
        job = self._running.pop(trial.name, None) or self._job(trial)
        seconds = time.monotonic() - self._since.get(trial.name, time.monotonic())
        self.outcomes.append(Outcome(job, "failed" if reason else "done", seconds, reason))
        self.view.ended(self.outcomes[-1])

    def _job(self, trial: Trial) -> Job:
        return trial.job(self.logs)

    def _write_stopped(self, trial: Trial, last: Mapping[str, Any]) -> None:
        result = Result(
            recipe=trial.recipe,
            task=self.source.task,
            seed=trial.seed,
            settings=dict(trial.settings),
            state="stopped",
            bits=last["bits"],
            sequences=last["sequences"],
            seconds=round(last.get("time_total_s", 0.0), 1),
        )
        trial.results.write(f"{trial.name}.json", result.to_json())


def make_callback(watcher: Watcher) -> Any:
    """What Tune calls, in its own words."""
    from ray import tune  # pyright: ignore[reportMissingImports] (an extra)

    class Callback(tune.Callback):
        def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            watcher.started(trial.config)

        def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            watcher.ended(trial.config, trial.last_result)

        def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            watcher.failed(trial.config, trial.get_error())

        def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
            watcher.update()

    return Callback()
