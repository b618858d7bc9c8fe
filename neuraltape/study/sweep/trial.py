"""One trial of a sweep, and the work that it is: to train, or to go on with a training, and to write down the result.

`python -m neuraltape.study.sweep STORE NAME CONFIG` does it in a process of its own, on whichever computer.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuraltape.runs import RunExistsError
from neuraltape.runs.directory import RunDirectory
from neuraltape.settings import TrainConfig
from neuraltape.settings.differences import differences, settings_of
from neuraltape.study.sweep.mirror import workplace
from neuraltape.study.sweep.result import TrialResult
from neuraltape.study.sweep.store import Store
from neuraltape.training import resume, train

# How long another process, which has lost its parent and makes its last checkpoint, may still have the run directory.
WAIT_SECONDS = 60.0
# A store elsewhere gets each checkpoint, but not more often than this.
PUSH_SECONDS = 1.0


@dataclass(frozen=True)
class Trial:
    """One training of a sweep."""

    name: str
    """Of its run directory."""
    varied: dict[str, Any]
    """The settings that tell it from others, without the seed."""
    config: TrainConfig
    """All of them."""

    @property
    def seed(self) -> int:
        """Of the training."""
        return self.config.loop.seed

    def command(self, store: Store) -> tuple[str, ...]:
        """What makes it, as after `python -m`."""
        return train_command(store, self.name, self.config)


def train_command(store: Store, name: str, config: TrainConfig) -> tuple[str, ...]:
    """What makes a run directory in a store, or goes on with it, as after `python -m`."""
    return ("neuraltape.study.sweep", store.url, name, json.dumps(config.flat()))


def work(store: Store, name: str, config: TrainConfig) -> TrialResult:
    """Train, and put the result beside the run directory.

    Args:
        store: where both are.
        name: of the run directory. One with the same settings is gone on with; another one is made anew.
        config: what to train.

    Raises:
        Interrupted, NonFiniteError, ProcessLostError, RunExistsError, ValueError: see `neuraltape.training.train`.
    """
    with workplace(store, name, every=max(config.loop.checkpoint_every, PUSH_SECONDS)) as run_dir:
        wait_until_free(run_dir, WAIT_SECONDS)
        if continues(run_dir, config):
            result = resume(run_dir)
        else:
            result = train(config, run_dir=run_dir, overwrite=True)
    trial = TrialResult.of(name, config, result)
    store.write(f"{name}.json", trial.to_json())
    return trial


def continues(run_dir: Path, config: TrainConfig) -> bool:
    """Whether a directory holds a run with these settings."""
    path = RunDirectory(run_dir).config
    try:
        before = TrainConfig.load(path)
    except (OSError, ValueError):
        return False
    return before.loop.seed == config.loop.seed and not differences(settings_of(before), config)


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
