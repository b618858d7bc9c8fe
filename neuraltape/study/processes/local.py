"""Jobs in processes on this computer, a bounded number at a time."""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from neuraltape.study.processes.job import ENVIRONMENT, Job, Outcome, python, reason_of
from neuraltape.study.processes.view import View

POLL_SECONDS = 0.1
_BY_ITSELF: dict[str, Any] = (
    {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    if sys.platform == "win32"
    else {"start_new_session": True}
)


class Running:
    """A job at work.

    Args:
        job: it is started at once.
        before: how an earlier attempt ended, if there was one.
    """

    def __init__(self, job: Job, before: Outcome | None = None) -> None:
        self.job, self._began = job, time.monotonic()
        self._before = before or Outcome(job, "failed", 0.0, "", attempts=0)
        if before is None:
            job.log.parent.mkdir(parents=True, exist_ok=True)
            job.log.write_text("", encoding="utf-8")
        self._process = self._start()

    def poll(self) -> Outcome | None:
        """The outcome once it has ended."""
        code = self._process.poll()
        if code is None:
            return None
        self._close()
        seconds = self._before.seconds + time.monotonic() - self._began
        reason = reason_of(code, self.job.log.read_text(encoding="utf-8", errors="replace")) if code else ""
        return Outcome(self.job, "failed" if code else "done", seconds, reason, self._before.attempts + 1)

    def interrupt(self) -> None:
        """What Ctrl-C does. Windows can't send it: there the job stops in good order as it would without its parent."""
        if sys.platform == "win32":
            self._close()
        else:
            self._process.send_signal(signal.SIGINT)

    def wait(self) -> None:
        """Wait until it has ended."""
        self._process.wait()
        self._close()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self.wait()

    def _start(self) -> subprocess.Popen[Any]:
        with self.job.log.open("ab") as log:
            # It is started by itself: a terminal's Ctrl-C comes to this process only, which hands it on once.
            return subprocess.Popen(
                python(self.job.command),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **ENVIRONMENT},
                **_BY_ITSELF,
            )

    def _close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()


def run_jobs(jobs: Iterable[Job], *, at_once: int, view: View, retries: int = 0) -> list[Outcome]:
    """Run jobs to their end; one that fails does not stop the others.

    Args:
        jobs: in the order in which they are started.
        at_once: how many may run at the same time.
        view: told what happens.
        retries: how often one that fails is started again, after all that were waiting then.

    Returns:
        Their outcomes, in the order in which they ended.

    Raises:
        KeyboardInterrupt: Ctrl-C, after each job that was running has been interrupted too and has ended. A second
            Ctrl-C kills them.
        ValueError: `at_once` is below 1.
    """
    if at_once < 1:
        raise ValueError(f"at_once must be at least 1; got {at_once}")
    waiting = deque[tuple[Job, Outcome | None]]((job, None) for job in jobs)
    running: list[Running] = []
    outcomes: list[Outcome] = []
    try:
        with view:
            while waiting or running:
                while waiting and len(running) < at_once:
                    running.append(Running(*waiting.popleft()))
                    view.started(running[-1].job)
                time.sleep(POLL_SECONDS)
                for each in list(running):
                    outcome = each.poll()
                    if outcome is None:
                        continue
                    running.remove(each)
                    if outcome.state == "failed" and outcome.attempts <= retries:
                        waiting.append((outcome.job, outcome))
                        view.failed_once(outcome)
                    else:
                        outcomes.append(outcome)
                        view.ended(outcome)
                view.update([each.job for each in running], waiting=len(waiting))
    finally:
        # Nothing is left running here unless an exception is on its way.
        stop(running)
    return outcomes


def stop(running: list[Running]) -> None:
    """Interrupt jobs and wait for them; kill them if this process is interrupted while it waits."""
    try:
        for each in running:
            each.interrupt()
        for each in running:
            each.wait()
    except KeyboardInterrupt:
        for each in running:
            each.kill()
        raise
