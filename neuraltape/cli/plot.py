"""`neuraltape plot`: all figures of a machine."""

from collections.abc import Sequence
from itertools import chain

from neuraltape.cli.parser import Parser
from neuraltape.cli.pictures import add_options, folder_of, subject_of, write_figures
from neuraltape.evaluation import make_report, usual_lengths
from neuraltape.plotting import evaluation_figures, machine_figures, training_figures


def run(argv: Sequence[str]) -> None:
    """Draw everything there is to draw."""
    parser = Parser(
        "neuraltape plot RUN [options]",
        "Draw how a machine learned (learning), where its heads look at every step (focus), what they add and erase "
        "(writes), its memory before, during and after (memory), targets against outputs (outputs) and errors against "
        "length (lengths).",
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
    figures = chain(
        training_figures(subject.name, task, subject.metrics),
        machine_figures(model, task, length, seed=options.seed),
        evaluation_figures(model, task, report, seed=options.seed),
    )
    write_figures(figures, folder, options.format)
