"""`neuraltape plot`: all figures of a machine."""

from collections.abc import Sequence
from itertools import chain

from neuraltape.cli.inside import add_sequence, open_story, trace_subject, with_data
from neuraltape.cli.parser import Parser
from neuraltape.cli.pictures import add_options, folder_of, subject_of, write_figures
from neuraltape.evaluation import make_report, usual_lengths
from neuraltape.nn.machines import kind_of
from neuraltape.plotting import evaluation_figures, machine_figures, training_figures


def run(argv: Sequence[str]) -> None:
    """Draw everything there is to draw."""
    parser = Parser(
        "neuraltape plot RUN [options]",
        "Draw how a machine learned (learning), where its heads look at every step (focus), what they write (writes), "
        "its memory before, during and after (memory), how a head comes to its focus (stages), targets against outputs "
        "(outputs) and errors against length (lengths); for a network that answers questions, its hops on a story.",
    )
    add_options(parser)
    add_sequence(parser)
    options = parser.parse(argv)
    story = open_story(options, parser)
    if story is not None:
        write_figures(machine_figures(story.trace()), folder_of(options, story.figures), options.format)
        return
    subject = with_data(subject_of(options), options.data_dir)
    folder = folder_of(options, subject.figures)
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
