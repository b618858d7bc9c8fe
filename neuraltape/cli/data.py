"""`neuraltape data`: gets public data sets from where their authors put them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from neuraltape.cli.errors import UsageError
from neuraltape.cli.output import say
from neuraltape.cli.parser import Parser
from neuraltape.data import DATASETS, Part, cache_folder


def run(argv: Sequence[str]) -> None:
    """Download what is not there yet."""
    parser = Parser(
        "neuraltape data get DATASET [options]",
        f"Download a data set ({', '.join(DATASETS)}), check that it is the right one, and unpack it into the cache, "
        "where the tasks find it. Who has the archives already gives --data-dir to the tasks instead.",
    )
    parser.add_argument("what", type=Literal["get"], help="get: download what is not there yet")
    parser.add_argument("dataset", type=str, help=f"one of {', '.join(DATASETS)}")
    parser.add_argument("--data_dir", type=str | None, default=None, help="folder to put it in, instead of the cache")
    options = parser.parse(argv)
    if options.dataset not in DATASETS:
        raise UsageError(f"DATASET must be one of {', '.join(DATASETS)}; got {options.dataset!r}")
    folder = cache_folder(options.dataset) if options.data_dir is None else Path(options.data_dir)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--data-dir must be a folder; {folder} is a file")
    for part in DATASETS[options.dataset]:
        _get(part, folder)


def _get(part: Part, folder: Path) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from neuraltape.data.download import download

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"))
    console = Console(stderr=True)
    bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)
    with bar as progress:
        line = progress.add_task(part.name, total=None)

        def told(doing: str, done: int, total: int) -> None:
            progress.update(line, description=f"{doing} {part.name}", completed=done, total=total or None)

        place, new = download(part, folder, told=told)
    say(f"{place}: {f'downloaded; its licence is {part.licence}' if new else 'is there already'}")
