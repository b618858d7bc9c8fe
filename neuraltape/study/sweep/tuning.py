"""A trial that Ray Tune starts: the task on its node that makes it and reports how good it is meanwhile."""

import tempfile
import time
from collections.abc import Mapping
from typing import Any

from neuraltape.study.processes.cluster import JobFailedError, end_of, start
from neuraltape.study.processes.job import reason_of
from neuraltape.study.progress import tail
from neuraltape.study.sweep.source import Source
from neuraltape.study.trial import Trial

POLL_SECONDS = 1.0


def follow(suggestion: Mapping[str, Any], *, source: Source) -> None:
    """A task of Tune: make the trial in a process of its own, and report each of its evaluations.

    Where Tune ends this task, the process notices, makes a checkpoint and ends too.

    Raises:
        JobFailedError: it failed.
    """
    from ray import tune  # pyright: ignore[reportMissingImports] (an extra)

    trial = source.trial(suggestion)
    result = trial.look().result
    if result is not None:
        tune.report({"bits": result.bits, "sequences": result.sequences})
        return
    with tempfile.TemporaryFile() as log, start(trial.command, log) as process:
        reported = 0
        while process.poll() is None:
            time.sleep(POLL_SECONDS)
            reported = report_new(tune, trial, reported)
        report_new(tune, trial, reported)
        if process.returncode:
            printed = end_of(log)
            raise JobFailedError(reason_of(process.returncode, printed), printed)


def report_new(tune: Any, trial: Trial, reported: int) -> int:
    """Report the scores after more than so many sequences; returns after how many the last one was."""
    for line in tail(trial.runs, trial.name).scores:
        if line["sequences"] > reported:
            reported = line["sequences"]
            tune.report({"bits": line["bits"], "sequences": reported})
    return reported
