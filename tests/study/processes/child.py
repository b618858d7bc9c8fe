"""What the jobs of these tests run, as `python -m tests.study.processes.child WHAT ...`: quick to start."""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType


def main() -> None:
    what, *words = sys.argv[1:]
    if what == "say":
        sys.stdout.write(" ".join(words) + "\n")
    elif what == "fail":
        sys.stderr.write(f"neuraltape: {' '.join(words)}\n")
        raise SystemExit(3)
    elif what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "second":
        second(Path(words[0]))
    elif what == "environment":
        sys.stdout.write(os.environ[words[0]] + "\n")
    elif what == "meet":
        meet(Path(words[0]), int(words[1]))
    elif what == "last":
        last(Path(words[0]))


def second(path: Path) -> None:
    """Fail the first time."""
    if not path.exists():
        path.touch()
        raise SystemExit(1)


def meet(folder: Path, others: int) -> None:
    """Say that this one is here, and end when `others` have said so too."""
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < others:
        time.sleep(0.01)


def last(path: Path) -> None:
    """Go on until a signal comes, and write down which."""

    def note(number: int, frame: FrameType | None) -> None:
        path.with_suffix(".signal").write_text(signal.Signals(number).name)
        raise SystemExit(130)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    path.write_text(str(os.getpid()))
    time.sleep(60)


if __name__ == "__main__":
    main()
