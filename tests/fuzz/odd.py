"""What the fuzzers share: odd values, how a call is watched, and what counts as a finding.

The draws depend on the seed alone. `NEURALTAPE_FUZZ_SEED` chooses another one, `NEURALTAPE_FUZZ_SECONDS` how long each
fuzzer goes on at most; what it has found by then is what it says.
"""

import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import FrameType

SEED = int(os.environ.get("NEURALTAPE_FUZZ_SEED", "0"))
SECONDS = float(os.environ.get("NEURALTAPE_FUZZ_SECONDS", "60"))
# A finding: longer than a call may take, more memory than it may, a message longer than a few lines. On a computer with
# other work everything takes longer.
BUSY = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
LONG, LARGE, LINE = 60.0 * BUSY, 1 << 30, 520

WORDS = (
    *("", " ", "-", "--", "-1", "0", "1", "2", "3", "0x10", "010", "1:30", "1_0", "1e400", "1e-400", "nan", "-inf"),
    *(
        "null",
        "true",
        "no",
        "~",
        "[]",
        "[1",
        "[1,2]",
        "[[1]]",
        "{}",
        "{a: 1}",
        "1.5",
        "2**3",
        "1,2",
        "1 2",
        "!!python/x",
    ),
    *("9223372036854775808", "18446744073709551616", "1" + "0" * 40, "-1" + "0" * 40, "9" * 5000, "x" * 3000),
    *(
        "e\u0301\u202e",
        "\U0001f9e0",
        "a\nb",
        "\x1b[31m",
        "%s%n",
        "$(x)",
        "..",
        "../..",
        "/",
        "/dev/null",
        "s3:/x",
        "s3://",
    ),
    *(
        "nowhere://x",
        "file",
        "folder",
        "folder/x",
        "file/x",
        "tiny",
        "runs/tiny",
        "runs/tiny/model",
        "runs/tiny/metrics.jsonl",
    ),
    *(
        "copy",
        "runs/odd",
        "new/x.gif",
        "new/x.safetensors",
        "x.safetensors",
        "loop",
        "pipe",
        "learning_rate=1e-3,x",
        "a=b",
    ),
    *("good.csv", "good.jsonl", "good.npz", "good.txt", "next", "classes", "text", "underground", "questions/joint"),
    *("Mary went to the kitchen.", "from Victoria, Victoria line north, Central line east", "sequence", "inputs"),
    # What a number may look like, and what stands for a file that is none.
    *(
        "-0",
        "-0.0",
        "+1",
        ".5",
        "1.",
        "1e3",
        "1E3",
        "0b1",
        "0o7",
        "\u0663",
        "\uff11",
        " 1",
        "1 ",
        "infinity",
        "[nan]",
        "1/2",
    ),
    *(
        "/dev/zero",
        "/dev/full",
        "/dev/stdin",
        "/dev/fd/0",
        "/proc/self/mem",
        "/proc/self/environ",
        "~",
        "~root/x",
        "a\0b",
    ),
    *("sparse.npz", "sparse.csv", "sparse.txt", "sparse.yaml", "link", "link/x", "loop/x", "pipe/x", "good.csv/x", "."),
    *(
        "\u202egood.csv",
        "\u2066x\u2069",
        "file://x",
        "http://127.0.0.1:1/x",
        "memory://x",
        "NUL",
        "x" * 255,
        "x/" * 200,
    ),
    *("seed=-0", "batch_size=1e3", "hidden_size=\u0663", "data=/dev/zero", "data=good.csv,good.npz", "contents=x"),
    *("seed=0x10", "hidden_size=1e400", "learning_rate=1e-4..inf", "copy-lstm", "cpu", "auto", "png", "random", "lstm"),
)
NUMBERS = (
    *(0, 1, -1, 2, 3, 255, 256, 2**31, 2**53, 2**63, 2**64, 10**30, -(10**30), 0.5, -0.0, 1e-320, 1e308, float("inf")),
    float("nan"),
)
VALUES = (*NUMBERS, None, True, False, "", "x", "copy", "ntm", "x" * 3000, [], [1], [[]], {}, {"a": 1}, "\ud800")


class TooLongError(BaseException):
    """A call took longer than it may. Nothing in the program catches it."""


@contextmanager
def at_most(seconds: float, error: type[BaseException] = TooLongError) -> Iterator[None]:
    """Raise an error inside if it takes longer."""

    def late(number: int, frame: FrameType | None) -> None:
        raise error

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def peak() -> int:
    """Bytes of memory that this process has taken at the most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Watch:
    """Calls until the time is up, and what was found.

    Args:
        name: of the fuzzer.
        count: calls at the most.
    """

    def __init__(self, name: str, count: int) -> None:
        self.name, self.count, self.done = name, count, 0
        self.found: list[str] = []
        self.chance = Random(SEED)
        """That of the last call."""
        self._end = time.monotonic() + SECONDS

    def draws(self) -> Iterator[Random]:
        """A source of chance for each call: of the seed, the fuzzer and the number of the call."""
        # Two calls can take longer than the time where much else is done; without any nothing has been tried.
        while self.done < 2 or (self.done < self.count and time.monotonic() < self._end):
            self.done += 1
            self.chance = Random(f"{SEED} {self.name} {self.done}")
            yield self.chance

    def note(self, what: str, call: object) -> None:
        """Keep a finding."""
        self.found.append(f"call {self.done}: {what}: {call!r:.600}")

    def end(self) -> None:
        """Say how much was tried, and fail where something was found."""
        print(f"{self.name}: {self.done} calls, seed {SEED}")  # noqa: T201 (a person reads it)
        assert self.done > 1
        assert not self.found, f"{len(self.found)} findings with seed {SEED}\n" + "\n".join(self.found)


def spoken(chance: Random) -> str:
    """Lines that somebody says to a machine, some of them odd."""
    said = (
        *("Mary went to the kitchen.", "Where is Mary?", "facts", "words", "forget", "help", "again", "lines", "?"),
        *("from Victoria, Victoria line north, Central line east", "from Bank", "from Victoria, Victoria line up"),
    )
    words = (chance.choice(said if chance.random() < 0.6 else WORDS) for _ in range(chance.choice((0, 1, 4))))
    return "\n".join(words).encode("utf-8", "replace").decode() + chance.choice(("", "\n"))


def make_odd_files(folder: Path) -> None:
    """Files and folders that a word above may name."""
    (folder / "file").write_text("1\n")
    (folder / "folder").mkdir()
    (folder / "folder" / "thesis.tex").write_text("mine")
    (folder / "loop").symlink_to("loop")
    (folder / "link").symlink_to("folder")
    for suffix in ("npz", "csv", "txt", "yaml"):
        # Nothing but zeros, which take no room.
        with (folder / f"sparse.{suffix}").open("wb") as file:
            file.truncate(1 << 33)
    os.mkfifo(folder / "pipe")


def names_in(folder: Path) -> set[str]:
    """Every file and folder, but for what is hidden."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.name.startswith(".")}
