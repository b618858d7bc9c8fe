"""What `evaluate` and `plot` share: which pictures, of which sequences, and where they go."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jsonargparse import Namespace

from neuraltape.cli.errors import UsageError
from neuraltape.cli.output import check_output, say_wrote
from neuraltape.cli.parser import Parser
from neuraltape.cli.subject import Subject, add_seed, add_subject, open_subject
from neuraltape.nn import with_memory_slots
from neuraltape.tasks.repeated import RepeatedTask

if TYPE_CHECKING:
    # It is slow to import, and who draws nothing doesn't need it.
    from matplotlib.figure import Figure


def add_options(parser: Parser) -> None:
    """The arguments of both commands."""
    add_subject(parser)
    parser.add_argument(
        "--lengths",
        type=int,
        nargs="+",
        default=None,
        at_least=1,
        help="lengths to score; half to six times the longest of training",
    )
    parser.add_argument(
        "--sequences", type=int, default=100, at_least=1, help="fresh sequences to score at each length"
    )
    add_seed(parser, "chooses the sequences")
    parser.add_argument(
        "--memory_slots", type=int | None, default=None, at_least=1, help="run with so many slots; those of training"
    )
    parser.add_argument(
        "--repeats", type=int | None, default=None, at_least=1, help="repeat-copy, tally-copy: exactly so many copies"
    )
    parser.add_argument("--output", type=str | None, default=None, help="folder to write to; figures/ in the run's")
    parser.add_argument("--format", type=Literal["png", "svg", "pdf"], default="png", help="of the pictures")


def subject_of(options: Namespace) -> Subject:
    """The machine and the task that the arguments ask for."""
    subject = open_subject(options.run, options.task, last=options.last)
    if options.repeats is not None:
        if not isinstance(subject.task, RepeatedTask):
            raise UsageError(f"--repeats is for repeat-copy and tally-copy; {subject.name} learned {subject.task.name}")
        scaled = subject.task.at_length(subject.task.longest, options.repeats)
        subject = replace(subject, task=replace(scaled, min_length=subject.task.min_length))
    if options.memory_slots is not None:
        subject = replace(subject, model=with_memory_slots(subject.model, options.memory_slots))
    return subject


def folder_of(options: Namespace, figures: Path) -> Path:
    """Where to write: where the user says, or among these figures."""
    folder = figures if options.output is None else Path(options.output)
    check_output(folder / "figure")
    return folder


def write_figures(figures: "Iterable[tuple[str, Figure]]", folder: Path, form: str) -> None:
    """Save figures under their names, and say where."""
    from neuraltape.plotting import save_figure

    for name, figure in figures:
        say_wrote([save_figure(figure, folder / f"{name}.{form}", untouched=True)])
