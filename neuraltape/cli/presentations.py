"""`neuraltape evaluate` for machines that learn from one example: how often they are right at which presentation."""

from dataclasses import replace

from jsonargparse import Namespace
from rich.table import Table

from neuraltape.cli.errors import UsageError
from neuraltape.cli.output import say, say_wrote, show
from neuraltape.cli.pictures import folder_of
from neuraltape.cli.subject import Subject
from neuraltape.data.omniglot import has_evaluation
from neuraltape.evaluation import PresentationReport, score_presentations
from neuraltape.tasks import Omniglot

REPORT = "presentations.json"
# What published tables show.
SHOWN = (1, 2, 3, 5, 10)


def evaluate_omniglot(subject: Subject, task: Omniglot, options: Namespace) -> None:
    """Score, print, save."""
    data_dir = task.data_dir if options.data_dir is None else options.data_dir
    images = options.images or ("evaluation" if has_evaluation(data_dir) else "validation")
    task = replace(task, data_dir=data_dir, images=images)
    classes = sorted({task.min_length, task.max_length}) if options.lengths is None else options.lengths
    over = [count for count in classes if not 2 <= count <= task.output_size]
    if over:
        raise UsageError(f"--lengths must be from 2 to {task.output_size} classes, as many as labels; got {over[0]}")
    path = folder_of(options, subject.figures) / REPORT
    report = score_presentations(
        subject.name, subject.model, task, classes, episodes=options.sequences, seed=options.seed
    )
    print_report(report)
    report.save(path)
    say_wrote([path])


def print_report(report: PresentationReport) -> None:
    """The scores as a table."""
    most = len(report.rows[0].accuracy)
    shown = [number for number in SHOWN if number <= most]
    table = Table()
    for name in ("classes", "episodes", *map(str, shown)):
        table.add_column(name, justify="right")
    for row in report.rows:
        cells = [f"{row.accuracy[number - 1]:.1%}" for number in shown]
        table.add_row(f"{row.classes}", f"{row.episodes:,}", *cells)
    say(f"{report.name}: omniglot, {report.images} characters; right answers by presentation of a class")
    show(table)
