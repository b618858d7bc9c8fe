"""Jobs as Ray tasks, on this computer or on a cluster. What runs where, and again after a loss, is left to Ray."""

import logging
import os
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from neuraltape.files import write_atomically
from neuraltape.study.processes.job import ENVIRONMENT, Job, Outcome, python, reason_of
from neuraltape.study.processes.view import View

POLL_SECONDS = 0.5
# After Ctrl-C: what trainings may take to make a checkpoint and to bring it to their store.
STOP_SECONDS = 60.0
# How much of what a job prints is kept; the end says why it failed.
LOG_BYTES = 1 << 16


class JobFailedError(RuntimeError):
    """A command of a job failed. The message says why; `log` is what the job printed."""

    def __init__(self, reason: str, log: str) -> None:
        super().__init__(reason, log)
        self.reason, self.log = reason, log

    def __str__(self) -> str:
        return self.reason


class Board:
    """How often each job was started, somewhere where all tasks can write it down."""

    def __init__(self) -> None:
        self._starts: Counter[str] = Counter()

    def start(self, name: str) -> None:
        """A job has been started."""
        self._starts[name] += 1

    def starts(self) -> dict[str, int]:
        """How often each job has been started, by its name."""
        return dict(self._starts)


@contextmanager
def connection(address: str, at_once: int | None = None) -> Iterator[Any]:
    """Ray, connected as long as this lasts.

    Args:
        address: of a cluster, or "local" for one of its own on this computer.
        at_once: how many jobs run at a time on this computer.

    Raises:
        ValueError: Ray is not installed, or does not answer at the address.
    """
    # Read when Ray is imported. It would report its use to its makers, and warn of what it will do in a later version.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Tune's own tables.
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
    try:
        import ray  # pyright: ignore[reportMissingImports] (an extra)
    except ImportError as error:
        raise ValueError('--cluster needs Ray; get it with: pip install "neuraltape[cluster]"') from error
    where: dict[str, Any] = {"address": address}
    if address == "local":
        where |= {"num_cpus": at_once, "include_dashboard": False}
    try:
        ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, OSError) as error:
        raise ValueError(f"no Ray cluster answers at {address}: {error}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def run_on_cluster(
    jobs: Iterable[Job], *, address: str, view: View, at_once: int | None = None, retries: int = 0
) -> list[Outcome]:
    """Run jobs to their end, each as a task; one that fails does not stop the others.

    A job whose node is lost is started again on another one, which counts as one of its retries.

    Args:
        jobs: their commands must mean the same on every node.
        address: of a Ray cluster, or "local".
        view: told what happens.
        at_once: how many may run at the same time where the address is "local".
        retries: how often one that fails, or is lost, is started again.

    Returns:
        Their outcomes, in the order in which they ended.

    Raises:
        KeyboardInterrupt: Ctrl-C, after the jobs that were running have been interrupted too.
        ValueError: there is no Ray, or no cluster.
    """
    with connection(address, at_once) as ray, view:
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=True
        )
        board = (
            ray.remote(Board)
            .options(num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy=here)
            .remote()
        )
        task = ray.remote(max_retries=retries, retry_exceptions=[JobFailedError])(work_off)
        tasks = {
            task.options(num_cpus=job.cpus, num_gpus=job.gpus, name=job.name).remote(job.name, job.command, board): job
            for job in jobs
        }
        try:
            return list(_follow(ray, tasks, board, view))
        except KeyboardInterrupt:
            for each in tasks:
                ray.cancel(each)
            ray.wait(list(tasks), num_returns=len(tasks), timeout=STOP_SECONDS)
            raise


def work_off(name: str, command: tuple[str, ...], board: Any) -> str:
    """A task: run a job in a process on this node; returns what it prints, raises JobFailedError."""
    if board is not None:
        board.start.remote(name)
    with tempfile.TemporaryFile() as log:
        code = run_command(command, log)
        printed = end_of(log)
        if code:
            raise JobFailedError(reason_of(code, printed), printed)
        return printed


def run_command(command: tuple[str, ...], log: Any) -> int:
    """Run one command; an interrupt is handed on to it."""
    with start(command, log) as process:
        try:
            return process.wait()
        except BaseException:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise


def start(command: tuple[str, ...], log: Any) -> subprocess.Popen[bytes]:
    """Start one; it stops in good order when this process ends, however that ends."""
    return subprocess.Popen(
        python(command), stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **ENVIRONMENT}
    )


def _follow(ray: Any, tasks: dict[Any, Job], board: Any, view: View) -> Iterator[Outcome]:
    """Wait for tasks, and tell the view; gives their outcomes as they end."""
    left, starts, since = list(tasks), Counter[str](), dict[str, float]()
    # What the board had when it was lost with its node; the one that took its place begins with nothing.
    earlier, board_now = Counter[str](), Counter[str]()
    while left:
        ended, left = ray.wait(left, num_returns=len(left), timeout=POLL_SECONDS)
        # Where the board does not answer: it is only for show.
        with suppress(ray.exceptions.RayError):
            board_before, board_now = board_now, Counter(ray.get(board.starts.remote(), timeout=POLL_SECONDS))
            if board_before - board_now:
                earlier += board_before
        now = earlier + board_now
        for job in tasks.values():
            if job.name in now and job.name not in starts:
                since[job.name] = time.monotonic()
                view.started(job)
            elif now[job.name] > starts[job.name]:
                view.say(f"{job.name}: started again")
        starts = now
        for each in ended:
            job = tasks[each]
            seconds = time.monotonic() - since.get(job.name, time.monotonic())
            outcome = _outcome(ray, each, job, seconds, starts.get(job.name, 1))
            view.ended(outcome)
            yield outcome
        running = [tasks[each] for each in left if tasks[each].name in starts]
        view.update(running, waiting=len(left) - len(running))


def _outcome(ray: Any, task: Any, job: Job, seconds: float, attempts: int) -> Outcome:
    reason, log = "", ""
    try:
        log = ray.get(task)
    except JobFailedError as error:
        cause = getattr(error, "cause", error)
        reason, log = cause.reason, cause.log
    except ray.exceptions.RayError as error:
        reason = f"lost: {str(error).strip().splitlines()[0]}"
    write_atomically(job.log, log.encode())
    return Outcome(job, "failed" if reason else "done", seconds, reason, attempts)


def end_of(log: Any) -> str:
    """The last of what a file holds, as text."""
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - LOG_BYTES))
    return log.read().decode("utf-8", errors="replace")
