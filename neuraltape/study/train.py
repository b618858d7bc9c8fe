"""A trial that trains a machine: to train, or to go on with a training, and to write down what came of it.

`python -m neuraltape.study RUNS RESULTS RECIPE CONFIG measure|plain` does it in a process of its own, on whichever
computer.
"""

import json
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from neuraltape.files import read_whole
from neuraltape.runs import RunDirectory, RunExistsError, load_run
from neuraltape.settings import Settings
from neuraltape.settings.differences import defaults_of, settings_of
from neuraltape.study.mirror import workplace
from neuraltape.study.result import Result, result_of
from neuraltape.study.store import Store
from neuraltape.study.trial import Trial
from neuraltape.tasks import DataError
from neuraltape.tasks.task import Task
from neuraltape.training import resume, train

# How long another process, which has lost its parent and makes its last checkpoint, may still have the run directory.
WAIT_SECONDS = 60.0
# A store elsewhere gets each checkpoint, but not more often than this.
PUSH_SECONDS = 1.0


def training(
    recipe: str,
    config: Settings,
    *,
    runs: Store,
    results: Store,
    measured: bool,
    varied: Mapping[str, Any] | None = None,
    read: MutableMapping[str, Task] | None = None,
) -> Trial:
    """The trial that trains with a configuration.

    Its settings are those that the run will keep, with what is found in the task's files, as far as these are here.

    Args:
        recipe: the recipe's name, or settings in words.
        config: all settings, the seed among them.
        runs: the store that holds the run directory.
        results: the store that holds the result.
        measured: score the machine on the probes of its task after the training.
        varied: what tells it from the other trials of a sweep.
        read: tasks whose files have been read for other trials, by their options; this one's is added.

    Raises:
        ValueError: an embedding where inputs are no symbols.
    """
    loop = config.loop
    try:
        kept = replace(config, task=_read(config.task, {} if read is None else read)).resolved()
    except (DataError, OSError):
        # They may lie where the training will be; if not, it says so.
        kept = config
    cpus, gpus = (0, loop.devices) if loop.accelerator == "cuda" else (loop.devices, 0)
    how = "measure" if measured else "plain"
    return Trial(
        recipe=recipe,
        seed=loop.seed,
        settings=settings_of(kept),
        defaults=defaults_of(kept),
        runs=runs,
        results=results,
        command=("neuraltape.study", runs.url, results.url, recipe, json.dumps(config.flat()), how),
        varied=dict(varied or {}),
        probes=tuple(probe.label for probe in config.task.probes) if measured else (),
        budget=loop.max_sequences,
        cpus=max(cpus, 1),
        gpus=gpus,
    )


def _read(task: Task, read: MutableMapping[str, Task]) -> Task:
    """The task with what is found in its files; many trials share it, and the files are read once."""
    options = {each.name: getattr(task, each.name) for each in fields(task)}  # pyright: ignore[reportArgumentType]
    key = f"{task.name} {options}"
    if key not in read:
        read[key] = task.resolved()
    return read[key]


def work(trial: Trial, config: Settings) -> Result:
    """Train, and put the result where it belongs.

    Args:
        trial: what `training` made of the configuration. A run directory of its name with the same settings is gone
            on with; another one is made anew.
        config: what to train.

    Raises:
        Interrupted, NonFiniteError, ProcessLostError, RunExistsError, ValueError: see `neuraltape.training.train`.
    """
    with workplace(trial.runs, trial.name, every=max(config.loop.checkpoint_every, PUSH_SECONDS)) as run_dir:
        wait_until_free(run_dir, WAIT_SECONDS)
        directory = RunDirectory(run_dir)
        if directory.holds_run() and trial.is_begun_in(read_whole(directory.config)):
            resume(run_dir)
        else:
            train(config, run_dir=run_dir, overwrite=True)
        result = result_of(load_run(run_dir), trial.recipe, measured=bool(trial.probes))
    trial.results.write(f"{trial.name}.json", result.to_json())
    return result


def wait_until_free(run_dir: Path, seconds: float) -> None:
    """Wait until no training uses the directory. Raises RunExistsError if that takes longer."""
    if not run_dir.is_dir():
        return
    deadline = time.monotonic() + seconds
    while True:
        directory = RunDirectory(run_dir)
        try:
            directory.lock()
        except RunExistsError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            directory.release()
            return
