"""What commands print, and which process of a training prints it."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path


def first_process() -> bool:
    """Whether this is the only process of a training, or the first: torchrun and SLURM number them."""
    if int(os.environ.get("SLURM_NTASKS", "1")) > 1 and os.environ.get("SLURM_PROCID", "0") != "0":
        return False
    return os.environ.get("RANK", "0") == "0"


def say(text: str = "") -> None:
    """A line on standard output."""
    if first_process():
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def say_wrote(paths: Iterable[str | Path]) -> None:
    """Where something was written, a line each."""
    for path in paths:
        say(f"wrote {path}")
