"""`neuraltape plot`: all figures of a machine."""

from collections.abc import Sequence
from itertools import chain

from neuraltape.cli.parser import Parser
from neuraltape.cli.pictures import REPORT, add_options, folder_of, subject_of, write_figures
from neuraltape.evaluation import Report, make_report, usual_lengths
from neuraltape.plotting import evaluation_figures, machine_figures, training_figures


def run(argv: Sequence[str]) -> None:
    """Draw everything there is to draw."""
    parser = Parser(
        "neuraltape plot RUN [options]",
        "Draw how a machine learned (learning), where its heads look at every step (focus), what they add and erase "
        "(writes), its memory before, during and after (memory), targets against outputs (outputs) and errors against "
        f"length (lengths). The last two show what {REPORT} holds if there is one and no --lengths are given.",
    )
    add_options(parser, sequences=50)
    parser.add_argument(
        "--length", type=int | None, default=None, help="length of the sequence to look into; the longest of training"
    )
    options = parser.parse(argv)
    subject = subject_of(options)
    folder = folder_of(options, subject)
    model, task = subject.model, subject.task
    saved = folder / REPORT
    if options.lengths is None and options.memory_slots is None and options.repeats is None and saved.is_file():
        report = Report.load(saved)
    else:
        lengths = usual_lengths(task) if options.lengths is None else options.lengths
        report = make_report(subject.name, model, task, lengths, sequences=options.sequences, seed=options.seed)
    length = task.longest if options.length is None else options.length
    figures = chain(
        training_figures(subject.name, task, subject.metrics),
        machine_figures(model, task, length, seed=options.seed),
        evaluation_figures(model, task, report, seed=options.seed),
    )
    write_figures(figures, folder, options.format)
