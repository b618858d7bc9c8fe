"""`neuraltape evaluate`: the score of a machine at several lengths."""

from collections.abc import Sequence
from typing import Literal

from rich.table import Table

from neuraltape.cli.answers import evaluate_answers
from neuraltape.cli.errors import UsageError
from neuraltape.cli.graphs import evaluate_graphs
from neuraltape.cli.output import say_wrote, show
from neuraltape.cli.parser import Parser
from neuraltape.cli.pictures import add_options, folder_of, subject_of, write_figures
from neuraltape.cli.presentations import evaluate_omniglot
from neuraltape.cli.rows import evaluate_rows
from neuraltape.evaluation import LengthScore, Report, make_report, usual_lengths
from neuraltape.tasks import Babi, GraphTraversal, Omniglot
from neuraltape.tasks.own_data import OwnData

REPORT = "evaluation.json"
# The options that say something where a machine answers questions, learned your own sequences, walks through graphs, or
# learns from one example.
OF_BABI = ("run", "task", "last", "memory_slots", "data_dir", "output")
OF_SEQUENCES = ("run", "task", "last", "memory_slots", "data", "output")
OF_GRAPHS = ("run", "task", "last", "memory_slots", "lengths", "sequences", "seed", "output")
OF_OMNIGLOT = (*OF_BABI, "lengths", "sequences", "seed", "images")


def run(argv: Sequence[str]) -> None:
    """Score, print, draw."""
    parser = Parser(
        "neuraltape evaluate RUN [--lengths 10 20 30 ...] [options]",
        "Score a machine on fresh sequences at several lengths, beyond those of training too: a table, "
        f"{REPORT}, the pictures outputs (targets against outputs, errors framed) and lengths (errors against length).",
    )
    add_options(parser)
    helped = "babi, omniglot: the data set's folder or archive"
    parser.add_argument("--data_dir", type=str | None, default=None, help=helped)
    own = "your own sequences: a file of them, instead of those that were kept from training"
    parser.add_argument("--data", type=str | None, default=None, help=own)
    images = "omniglot: which characters; the official evaluation set where it is, otherwise validation"
    choices = Literal["training", "validation", "evaluation"] | None
    parser.add_argument("--images", type=choices, default=None, help=images)
    options = parser.parse(argv)
    subject = subject_of(options)
    if options.images is not None and not isinstance(subject.task, Omniglot):
        raise UsageError(f"--images is for omniglot; {subject.name} learned {subject.task.name}")
    if isinstance(subject.task, Omniglot):
        parser.refuse_others(options, OF_OMNIGLOT, f"has no effect on omniglot, which {subject.name} learned")
        evaluate_omniglot(subject, subject.task, options)
        return
    if isinstance(subject.task, Babi):
        parser.refuse_others(options, OF_BABI, f"has no effect on babi, which {subject.name} learned")
        evaluate_answers(subject, subject.task, options)
        return
    if isinstance(subject.task, OwnData):
        parser.refuse_others(options, OF_SEQUENCES, "has no effect on your own sequences: each is scored once")
        evaluate_rows(subject, subject.task, options)
        return
    if options.data is not None:
        raise UsageError(f"--data is for your own sequences; {subject.name} learned {subject.task.name}")
    if options.data_dir is not None:
        raise UsageError(f"--data-dir is for tasks with a data set; {subject.name} learned {subject.task.name}")
    if isinstance(subject.task, GraphTraversal):
        parser.refuse_others(options, OF_GRAPHS, f"has no effect on graph-traversal, which {subject.name} learned")
        evaluate_graphs(subject, subject.task, options)
        return
    folder = folder_of(options, subject.figures)
    lengths = usual_lengths(subject.task) if options.lengths is None else options.lengths
    report = make_report(
        subject.name, subject.model, subject.task, lengths, sequences=options.sequences, seed=options.seed
    )
    print_report(report)
    report.save(folder / REPORT)
    say_wrote([folder / REPORT])
    # Where the machine learned your own sequences, or answers questions, there are none.
    from neuraltape.plotting import evaluation_figures

    figures = evaluation_figures(subject.model, subject.task, report, seed=options.seed)
    write_figures(figures, folder, options.format)


def print_report(report: Report) -> None:
    """The scores as a table."""
    low, high = report.trained
    trained = f"{low}" if low == high else f"{low} to {high}"
    slots = "" if report.memory_slots is None else f", {report.memory_slots} slots"
    table = Table(
        title=f"{report.name}: {report.task}, trained on {trained} {report.length_name}{slots}",
        title_justify="left",
        title_style="bold",
    )
    best = any(row.optimum is not None for row in report.rows)
    names = [report.length_name, report.score_name, *(["best possible"] if best else [])]
    names += ["wrong: mean", "median", "worst", "without error"]
    for name in names:
        table.add_column(name, justify="right")
    for row in report.rows:
        table.add_row(*_cells(row, best=best))
    show(table)


def _cells(row: LengthScore, *, best: bool) -> list[str]:
    optimum = ["-" if row.optimum is None else f"{row.optimum:.4g}"] if best else []
    wrong = (f"{row.wrong_mean:.4g}", f"{row.wrong_median:g}", f"{row.wrong_worst:g}")
    return [f"{row.length:,}", f"{row.bits:.4g}", *optimum, *wrong, f"{row.perfect:.0%} of {row.sequences:,}"]
