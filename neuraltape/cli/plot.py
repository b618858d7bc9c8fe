"""`neuraltape plot`: all figures of a machine."""

from collections.abc import Sequence
from itertools import chain

from neuraltape.cli.parser import Parser
from neuraltape.cli.pictures import add_options, folder_of, subject_of, write_figures
from neuraltape.evaluation import make_report, trace_length, usual_lengths
from neuraltape.nn.machines import kind_of
from neuraltape.plotting import evaluation_figures, machine_figures, training_figures


def run(argv: Sequence[str]) -> None:
    """Draw everything there is to draw."""
    parser = Parser(
        "neuraltape plot RUN [options]",
        "Draw how a machine learned (learning), where its heads look at every step (focus), what they write (writes), "
        "its memory before, during and after (memory), how a head comes to its focus (stages), targets against outputs "
        "(outputs) and errors against length (lengths).",
    )
    add_options(parser)
    parser.add_argument(
        "--length", type=int | None, default=None, help="length of the sequence to look into; the longest of training"
    )
    options = parser.parse(argv)
    subject = subject_of(options)
    folder = folder_of(options, subject)
    model, task = subject.model, subject.task
    lengths = usual_lengths(task) if options.lengths is None else options.lengths
    report = make_report(subject.name, model, task, lengths, sequences=options.sequences, seed=options.seed)
    length = task.held_out().longest if options.length is None else options.length
    inside = machine_figures(trace_length(model, task, length, seed=options.seed)) if kind_of(model).traceable else ()
    figures = chain(
        training_figures(subject.name, task, subject.metrics),
        inside,
        evaluation_figures(model, task, report, seed=options.seed),
    )
    write_figures(figures, folder, options.format)
