"""`neuraltape plot`: all figures of a machine."""

from collections.abc import Iterator, Sequence
from itertools import chain

import torch
from jsonargparse import Namespace
from matplotlib.figure import Figure

from neuraltape.cli.errors import UsageError
from neuraltape.cli.inside import add_sequence, open_story, trace_subject, travel_subject, with_data
from neuraltape.cli.parser import Parser
from neuraltape.cli.pictures import add_options, folder_of, subject_of, write_figures
from neuraltape.cli.subject import Subject
from neuraltape.evaluation import make_report, usual_lengths
from neuraltape.evaluation.run import generator_for
from neuraltape.evaluation.shown import show_rows
from neuraltape.nn.machines import kind_of
from neuraltape.plotting import evaluation_figures, machine_figures, plot_sequences, training_figures
from neuraltape.tasks.own_data import OwnData

# The options that say something for your own sequences.
OF_SEQUENCES = ("run", "task", "last", "memory_slots", "data", "seed", "output", "format")
# The same for a journey.
OF_JOURNEYS = ("run", "task", "last", "memory_slots", "journey", "map", "seed", "output", "format")
# As many sequences as fit beside each other.
DRAWN = 4


def run(argv: Sequence[str]) -> None:
    """Draw everything there is to draw."""
    parser = Parser(
        "neuraltape plot RUN [options]",
        "Draw how a machine learned (learning), where its heads look at every step (focus), what they write (writes), "
        "its memory before, during and after (memory), how a head comes to its focus (stages), targets against outputs "
        "(outputs) and errors against length (lengths); some of your own sequences beside each other (sequences); at "
        "which rides read heads looked on a --journey (looked); "
        "for a network that answers questions, its hops on a story.",
    )
    add_options(parser)
    add_sequence(parser)
    own = "your own sequences: a file of them, instead of those that were kept from training"
    parser.add_argument("--data", type=str | None, default=None, help=own)
    options = parser.parse(argv)
    story = open_story(options, parser)
    if story is not None:
        write_figures(machine_figures(story.trace()), folder_of(options, story.figures), options.format)
        return
    subject = with_data(subject_of(options), options.data_dir)
    if isinstance(subject.task, OwnData):
        parser.refuse_others(options, OF_SEQUENCES, "has no effect on your own sequences: some of them are drawn")
        write_figures(own_figures(subject, subject.task, options), folder_of(options, subject.figures), options.format)
        return
    if options.data is not None:
        raise UsageError(f"--data is for your own sequences; {subject.name} learned {subject.task.name}")
    folder = folder_of(options, subject.figures)
    travelled = travel_subject(subject, options)
    if travelled is not None:
        parser.refuse_others(options, OF_JOURNEYS, "has no effect with --journey, which alone is drawn")
        write_figures(machine_figures(travelled), folder, options.format)
        return
    model, task = subject.model, subject.task
    lengths = usual_lengths(task) if options.lengths is None else options.lengths
    report = make_report(subject.name, model, task, lengths, sequences=options.sequences, seed=options.seed)
    inside = machine_figures(trace_subject(subject, options)) if kind_of(model).traceable else ()
    figures = chain(
        training_figures(subject.name, task, subject.metrics),
        inside,
        evaluation_figures(model, task, report, seed=options.seed),
    )
    write_figures(figures, folder, options.format)


def own_figures(subject: Subject, task: OwnData, options: Namespace) -> Iterator[tuple[str, Figure]]:
    """How it was learned, some sequences beside each other, and all that happened on the first of them."""
    if options.data is None:
        rows = next(rows for name in ("test", "validation", "training") if len(rows := task.parts[name]))
    else:
        task = task.of_file(options.data)
        rows = task.rows
    order = torch.randperm(len(rows), generator=generator_for(options.seed, "plot", 0))
    shown, trace = show_rows(subject.model, task, rows[order[:DRAWN].sort().values])
    yield from training_figures(subject.name, task, subject.metrics)
    symbols = task.table.inputs.dim() == 2
    unit = task.score_name
    yield "sequences", plot_sequences(shown, task.target_kind, symbols=symbols, trace=trace, score_name=unit)
    if trace is not None:
        yield from machine_figures(trace)
