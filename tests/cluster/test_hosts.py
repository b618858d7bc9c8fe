"""One training on two hosts, over a network that breaks: what they say, how long they take, what comes of it."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen
from typing import NamedTuple

import pytest

from neuraltape.runs.checkpoint import load_checkpoint
from neuraltape.runs.directory import RunDirectory
from tests.cluster.conftest import Note, environment, neuraltape, program, wait_until
from tests.cluster.hosts import Host, torchrun, two_hosts, why_not
from tests.study.tiny import TINY
from tests.training.small import assert_same_end, lines

pytestmark = pytest.mark.timeout(900)

TIMEOUT = 10
# What a process may take on top: to notice, to say so, to end; and what torchrun takes to notice that.
BOUND = TIMEOUT + 50
SETTINGS = {
    **TINY,
    "batch_size": 6,
    "max_sequences": 1500,
    "evaluate_sequences": 250,
    "evaluate_every": 500,
    "report_every": 250,
    "timeout": TIMEOUT,
    "checkpoint_every": 0.2,
}
OPTIONS = [word for name, value in SETTINGS.items() for word in (f"--{name.replace('_', '-')}", str(value))]
LOST = r"neuraltape: another process of this training is gone, or did not answer within 10 s; go on with: neuraltape "


class Pair(NamedTuple):
    """Both hosts."""

    hosts: tuple[Host, Host]
    folder: Path

    @property
    def run_dir(self) -> Path:
        return self.folder / "run"

    def log(self, number: int) -> str:
        path = self.folder / f"{number}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, stack: ExitStack, *words: str, restarts: int = 0, late: float = 0.0) -> list[Popen[bytes]]:
        """`neuraltape ...` on both; the second one is late when it is started again."""
        logs = [self.folder / f"{number}.log" for number in range(2)]
        lates = (0.0, late)
        return [
            stack.enter_context(torchrun(host, self.hosts[0], log, *words, restarts=restarts, late=seconds))
            for host, log, seconds in zip(self.hosts, logs, lates, strict=True)
        ]

    def train(self, stack: ExitStack, restarts: int = 0, late: float = 0.0) -> list[Popen[bytes]]:
        """Both train, and have made a checkpoint of some step."""
        words = ("train", "copy", *OPTIONS, "--run-dir", str(self.run_dir))
        started = self.start(stack, *words, restarts=restarts, late=late)
        wait_until(lambda: step_of(self.run_dir) >= 30)
        return started


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    with two_hosts() as hosts:
        yield Pair(hosts, tmp_path)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """What one process and what two on one computer make of the same training."""
    folder = tmp_path_factory.mktemp("unbroken")
    train = [*neuraltape("train", "copy"), *OPTIONS, "--run-dir"]
    run_both = [train[0], "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *train[1:]]
    for number, command in ((1, train), (2, run_both)):
        with program(folder / "log", *command, str(folder / str(number)), env=environment()) as process:
            assert process.wait(timeout=300) == 0, (folder / "log").read_text()
    return {1: folder / "1", 2: folder / "2"}


def step_of(run_dir: Path) -> int:
    path = RunDirectory(run_dir).checkpoint
    return load_checkpoint(path).values["counters"]["step"] if path.exists() else 0


def worker(torchrun: Popen[bytes]) -> int:
    """The process that trains."""
    tasks = Path(f"/proc/{torchrun.pid}/task")
    (only,) = {int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()}
    return only


def ended(*processes: Popen[bytes]) -> bool:
    return all(process.poll() is not None for process in processes)


def assert_said(pair: Pair, *numbers: int) -> None:
    for number in numbers:
        assert re.search(LOST + f"resume {pair.run_dir}", pair.log(number)), pair.log(number)


def test_torchrun_gives_the_curve_of_one_process(unbroken: dict[int, Path], note: Note) -> None:
    worst = 0.0
    pairs = list(zip(lines(unbroken[1]), lines(unbroken[2]), strict=True))
    assert {line["kind"] for line, _ in pairs} == {"training", "evaluation"}
    for one, two in pairs:
        assert two["step"] == one["step"]
        worst = max(worst, abs(two["bits"] / one["bits"] - 1))
    # Measured: see the note; float32 has 6e-8.
    assert worst < 1e-4
    note(f"training and evaluation curves of one and of two processes differ by {worst:.1g} at most, relatively")


def test_two_hosts_give_what_one_gives(pair: Pair, unbroken: dict[int, Path], note: Note) -> None:
    with ExitStack() as stack:
        both = pair.train(stack)
        wait_until(lambda: ended(*both))
    assert [process.returncode for process in both] == [0, 0], pair.log(0) + pair.log(1)
    assert_same_end(pair.run_dir, unbroken[2])
    assert "training in" not in pair.log(1)
    note("over a cable: bit for bit what two processes on one host give; one host writes and speaks")


def test_a_killed_worker_stops_the_other_one(pair: Pair, note: Note) -> None:
    with ExitStack() as stack:
        both = pair.train(stack)
        os.kill(worker(both[1]), signal.SIGKILL)
        seconds = wait_until(lambda: ended(*both), seconds=BOUND)
    assert [process.returncode for process in both] == [1, 1]
    assert_said(pair, 0)
    note(f"SIGKILL: the other host stopped and said so; torchrun had ended on both {seconds:.0f} s later")


def test_torchrun_starts_a_killed_training_again_to_the_same_end_however_late_one_host_is(
    pair: Pair, unbroken: dict[int, Path], note: Note
) -> None:
    with ExitStack() as stack:
        # One restart each: who is up first must not use another one up.
        both = pair.train(stack, restarts=1, late=TIMEOUT / 2 + 1)
        step = step_of(pair.run_dir)
        os.kill(worker(both[1]), signal.SIGKILL)
        wait_until(lambda: ended(*both), seconds=300)
    assert [process.returncode for process in both] == [0, 0], pair.log(0) + pair.log(1)
    assert_said(pair, 0)
    assert_same_end(pair.run_dir, unbroken[2])
    note(
        f"SIGKILL at about step {step} of 250, --max-restarts 1, the killed one {TIMEOUT / 2 + 1:g} s late: the end is "
        "bit for bit that of an unbroken run"
    )


def test_a_cut_cable_stops_both_hosts(pair: Pair, unbroken: dict[int, Path], note: Note) -> None:
    with ExitStack() as stack:
        both = pair.train(stack)
        pair.hosts[0].cut()
        said = wait_until(lambda: re.search(LOST, pair.log(0)) and re.search(LOST, pair.log(1)), seconds=BOUND)
        seconds = said + wait_until(lambda: ended(*both), seconds=BOUND)
    assert all(process.returncode for process in both)
    assert_said(pair, 0, 1)
    pair.hosts[0].mend()
    step = step_of(pair.run_dir)
    assert step < 250
    with ExitStack() as stack:
        both = pair.start(stack, "resume", str(pair.run_dir))
        wait_until(lambda: ended(*both))
    assert [process.returncode for process in both] == [0, 0], pair.log(0) + pair.log(1)
    assert_same_end(pair.run_dir, unbroken[2])
    note(
        f"cut cable, --timeout {TIMEOUT}: both hosts said so within {said:.0f} s, torchrun had ended on both after "
        f"{seconds:.0f} s; mended and resumed at step {step}, the end is that of an unbroken run"
    )


def test_a_slow_worker_is_waited_for_and_a_stuck_one_is_not(pair: Pair, unbroken: dict[int, Path], note: Note) -> None:
    with ExitStack() as stack:
        both = pair.train(stack)
        slow = worker(both[1])
        # Half of the time that it is given.
        os.kill(slow, signal.SIGSTOP)
        step = step_of(pair.run_dir)
        with pytest.raises(AssertionError):
            wait_until(lambda: ended(*both), seconds=TIMEOUT / 2)
        os.kill(slow, signal.SIGCONT)
        wait_until(lambda: step_of(pair.run_dir) > step + 20)
        os.kill(slow, signal.SIGSTOP)
        seconds = wait_until(lambda: ended(both[0]), seconds=BOUND)
        assert_said(pair, 0)
        os.kill(slow, signal.SIGCONT)
        wait_until(lambda: ended(both[1]), seconds=BOUND)
    assert both[1].returncode == 1
    with ExitStack() as stack:
        both = pair.start(stack, "resume", str(pair.run_dir))
        wait_until(lambda: ended(*both))
    assert [process.returncode for process in both] == [0, 0], pair.log(0) + pair.log(1)
    assert_same_end(pair.run_dir, unbroken[2])
    note(
        f"a worker that stands still for {TIMEOUT / 2:g} s is waited for; when it stood still for good the other host "
        f"had ended {seconds:.0f} s later; resumed, the end is that of an unbroken run"
    )
