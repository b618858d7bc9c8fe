"""What commands print, and which process of a training prints it."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neuraltape.cli.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

# What its errors name.
STANDARD_OUTPUT = "standard output"
# More columns than any terminal has.
TABLE_WIDTH = 300
# Where the output is no terminal that has a width of its own.
FILE_WIDTH = 120


def first_process() -> bool:
    """Whether this is the only process of a training, or the first: torchrun and SLURM number them."""
    if int(os.environ.get("SLURM_NTASKS", "1")) > 1 and os.environ.get("SLURM_PROCID", "0") != "0":
        return False
    return os.environ.get("RANK", "0") == "0"


def first_on_host() -> bool:
    """Whether this is the first process of a training on its computer."""
    if int(os.environ.get("SLURM_NTASKS", "1")) > 1 and os.environ.get("SLURM_LOCALID", "0") != "0":
        return False
    return os.environ.get("LOCAL_RANK", "0") == "0"


def check_output(path: Path) -> None:
    """Raise UsageError unless a file can come to be here: said before the work that it is to hold."""
    if path.is_dir():
        raise UsageError(f"--output must be a file; {path} is a folder")
    folder = next(each for each in path.parents if os.path.lexists(each))
    if not folder.is_dir():
        raise UsageError(f"--output must be a folder, or in one; {folder} is a file")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"--output: nothing can be written in {folder}")


def say(text: str = "") -> None:
    """A line on standard output.

    Raises:
        BrokenPipeError: whoever read it has gone.
        OSError: it is full, say.
    """
    if not first_process():
        return
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, STANDARD_OUTPUT) from error


def say_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table, as wide as it is: a line can be read on, a figure that is cut off cannot."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, markup=False, width=TABLE_WIDTH)
    with console.capture() as captured:
        console.print(table)
    say("\n".join(line.rstrip() for line in captured.get().splitlines()))


def show(table: "Table") -> None:
    """A table with rules and a title, as wide as the terminal; elsewhere wide enough for every column."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else FILE_WIDTH)
    with console.capture() as captured:
        console.print(table)
    say(captured.get().removesuffix("\n"))


def say_wrote(paths: Iterable[str | Path]) -> None:
    """Where something was written, a line each."""
    for path in paths:
        say(f"wrote {path}")
