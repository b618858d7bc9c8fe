"""Train once without a break and once with many kills; run as a program, so that the kills are real.

    python -m tests.training.kill_trial FOLDER KILLS

FOLDER holds a `config.yaml`; the runs are FOLDER/whole and FOLDER/killed. Prints the steps of the checkpoints that the
kills left, as JSON. This process trains nothing itself: it forks the ones that do, which saves them the imports.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import lightning_fabric  # noqa: F401 (slow; the forked processes have it then)

from neuraltape.runs.checkpoint import load_checkpoint
from neuraltape.settings import Settings
from neuraltape.training import resume, train


def start(folder: Path, name: str) -> int:
    """Fork a process that begins the run or goes on with it; returns its id."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        run = folder / name
        if (run / "config.yaml").exists():
            resume(run, progress=False)
        else:
            train(Settings.load(folder / "config.yaml"), run_dir=run, progress=False)
        code = 0
    finally:
        os._exit(code)


def wait(process: int) -> None:
    """Wait for a process that has to end well."""
    _, status = os.waitpid(process, 0)
    assert status == 0, f"the training ended with status {status}"


def stamp(run: Path) -> int:
    """When the run's last checkpoint was written; 0: there is none."""
    path = run / "checkpoint" / "state.safetensors"
    return path.stat().st_mtime_ns if path.exists() else 0


def steps(run: Path) -> int:
    """Steps of the run's last checkpoint."""
    path = run / "checkpoint" / "state.safetensors"
    return load_checkpoint(path).values["counters"]["step"] if path.exists() else 0


def main() -> None:
    folder, kills = Path(sys.argv[1]), int(sys.argv[2])
    began = time.monotonic()
    wait(start(folder, "whole"))
    whole = time.monotonic() - began
    left, chance = [], random.Random(0)
    while len(left) < kills:
        process = start(folder, "killed")
        if len(left) % 3:
            # However busy the computer is, two kills of three come after a checkpoint of this process.
            before, deadline = stamp(folder / "killed"), time.monotonic() + 60
            while stamp(folder / "killed") == before and time.monotonic() < deadline:
                time.sleep(0.001)
        time.sleep(chance.uniform(0, whole / kills))
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        left.append(steps(folder / "killed"))
    wait(start(folder, "killed"))
    print(json.dumps(left))  # noqa: T201


if __name__ == "__main__":
    main()
