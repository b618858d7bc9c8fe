"""A training that the page starts: one at a time, in a process of its own that ends with this one. Knows no web."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Runs a module as `python -m` does. When what stands at the other end of its input is gone, however it ended, it is
# interrupted as by SIGTERM: a training makes a checkpoint then. One that does not end by itself is ended.
CHILD = """
import os, runpy, signal, sys, threading, time

def watch():
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep({patience})
    os._exit({cut_short})

threading.Thread(target=watch, daemon=True).start()
module = sys.argv.pop(1)
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""
# Seconds in which an interrupted training has to end, and the exit code of one that did not.
PATIENCE = 15.0
CUT_SHORT = 113


class Trainer:
    """Starts trainings, and knows how the last one went.

    Args:
        command: a module and its arguments, to which `--run-dir FOLDER/NAME` is added.
        folder: where the runs go.
        name: of the run; where there is one, name-2, name-3, ...
        task: what is trained, for the page.
    """

    def __init__(self, command: Sequence[str], folder: Path, name: str, task: str) -> None:
        self._command, self._folder, self._name, self.task = list(command), folder, name, task
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._listener = threading.Thread()
        self._run: Path | None = None
        self._stopped, self._complaint = False, ""

    def start(self) -> None:
        """Start one.

        Raises:
            ValueError: one is running, or the process cannot be made.
        """
        with self._lock:
            if self._running():
                raise ValueError(f"a training is running already, in {self._run}; stop it first")
            self._run, self._stopped, self._complaint = self._free(), False, ""
            # It finds what this process finds, and what lies about in the present folder only where this one does.
            paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONSAFEPATH": "1"}
            child = CHILD.format(patience=PATIENCE, cut_short=CUT_SHORT)
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", child, *self._command, "--run-dir", str(self._run)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env=os.environ | paths,
                    # Ctrl-C is for this process, whose end the other one notices.
                    start_new_session=True,
                )
            except OSError as error:
                raise ValueError(f"the training could not be started: {error}") from error
            self._listener = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
            self._listener.start()

    def stop(self) -> None:
        """Ask the one that is running to end; it makes a checkpoint first. Where none is, nothing happens."""
        with self._lock:
            if self._process is not None and self._process.stdin is not None and self._running():
                self._stopped = True
                self._process.stdin.close()

    def wait(self, seconds: float) -> None:
        """Wait for its end. Raises TimeoutError after so many seconds."""
        if self._running():
            self._listener.join(seconds)
        if self._running():
            raise TimeoutError(f"the training in {self._run} did not end within {seconds:g} s")

    def about(self) -> dict[str, Any]:
        """What the page says: where runs go, which one is running, how the last one ended.

        "run" is the folder of the last one, None where there was none; "problem" is its last complaint where it failed.
        """
        with self._lock:
            running = self._running()
            problem = None
            code = 0 if running or self._process is None else self._process.returncode
            if code == CUT_SHORT:
                problem = f"it did not end within {PATIENCE:g} s and was cut short; its last checkpoint is there"
            elif code and not self._stopped:
                problem = self._complaint or "it ended without a word"
            return {
                "task": self.task, "folder": str(self._folder), "run": None if self._run is None else self._run.name,
                "running": running, "stopping": running and self._stopped, "problem": problem,
            }  # fmt: skip

    def _running(self) -> bool:
        return self._listener.is_alive()

    def _free(self) -> Path:
        """A folder that is not there. Should somebody make it meanwhile, the training refuses it."""
        number = 1
        while (path := self._folder / (self._name if number == 1 else f"{self._name}-{number}")).exists():
            number += 1
        return path

    def _listen(self, process: "subprocess.Popen[bytes]") -> None:
        """Keep the last line that it complains, until it has ended."""
        assert process.stderr is not None
        assert process.stdin is not None
        with process.stderr as errors:
            for line in errors:
                self._complaint = line.decode(errors="replace").strip() or self._complaint
        process.wait()
        process.stdin.close()
