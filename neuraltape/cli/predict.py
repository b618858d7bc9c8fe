"""`neuraltape predict`: what a machine says to the sequences in a file."""

from collections.abc import Sequence
from pathlib import Path

from neuraltape.cli.errors import UsageError
from neuraltape.cli.output import check_output, say_wrote
from neuraltape.cli.parser import Parser
from neuraltape.cli.subject import RUN_HELP, Subject, add_last, open_subject
from neuraltape.evaluation.files import as_bytes, check_suffix
from neuraltape.evaluation.predictions import predict
from neuraltape.files import write_atomically
from neuraltape.tasks.sequences import Sequences


def run(argv: Sequence[str]) -> None:
    """Read, run, write."""
    parser = Parser(
        "neuraltape predict RUN FILE --output OUT [options]",
        "Run a machine that learned your own sequences on those in FILE, and write what it says to each step: the "
        "probability of each bit or class, and the likeliest class; values as they are. Targets there are passed over.",
    )
    parser.add_argument("run", type=str, help=RUN_HELP)
    parser.add_argument("file", type=str, help="sequences, in a file such as the machine learned from")
    add_last(parser)
    add_output(parser)
    options = parser.parse(argv)
    output = output_of(options.output, overwrite=options.overwrite)
    subject, task = own_subject(options.run, last=options.last)
    inputs, lengths = task.read_inputs(options.file, subject.model.input_size)
    found = predict(subject.model, task.target_kind, inputs, lengths)
    arrays = [{"outputs": each.outputs, **({} if each.classes is None else {"class": each.classes})} for each in found]
    write_atomically(output, as_bytes(output, arrays))
    say_wrote([output])


def add_output(parser: Parser) -> None:
    """The arguments that say where to write."""
    parser.add_argument("--output", type=str, required=True, help="the file to write: .npz, .jsonl or .csv")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there already")


def output_of(output: str, *, overwrite: bool) -> Path:
    """The file to write. Raises UsageError where it can't be."""
    path = Path(output)
    try:
        check_suffix(path)
    except ValueError as error:
        raise UsageError(f"--output: {error}") from None
    check_output(path)
    if path.exists() and not overwrite:
        raise UsageError(f"--output: {path} is there already; name another file, or replace it with --overwrite")
    return path


def own_subject(run: str, *, last: bool) -> tuple[Subject, Sequences]:
    """A machine that learned the user's own sequences, and its task. Raises UsageError for another one."""
    subject = open_subject(run, last=last)
    if not isinstance(subject.task, Sequences):
        raise UsageError(f"RUN must have learned your own sequences (train --data); it learned {subject.task.name}")
    return subject, subject.task.settled()
