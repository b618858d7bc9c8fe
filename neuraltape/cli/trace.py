"""`neuraltape trace`: everything that happens in a machine, step by step, in one file."""

from collections.abc import Sequence
from pathlib import Path

from neuraltape.cli.errors import UsageError
from neuraltape.cli.output import say_wrote
from neuraltape.cli.parser import Parser
from neuraltape.cli.subject import add_subject, open_subject
from neuraltape.evaluation import trace_length


def run(argv: Sequence[str]) -> None:
    """Write a trace."""
    parser = Parser(
        "neuraltape trace RUN --output FILE [options]",
        "Run a machine on fresh sequences and write every addressing value of every head to a safetensors file; "
        "neuraltape.Trace.load reads it.",
    )
    add_subject(parser)
    parser.add_argument("--output", type=str, required=True, help="the file to write")
    parser.add_argument(
        "--length", type=int | None, default=None, help="length of the sequences; the longest of training"
    )
    parser.add_argument("--sequences", type=int, default=1, help="how many sequences")
    parser.add_argument("--seed", type=int, default=0, help="chooses the sequences")
    options = parser.parse(argv)
    output = Path(options.output)
    if output.suffix != ".safetensors":
        raise UsageError(f"--output must be a file that ends in .safetensors; got {options.output!r}")
    subject = open_subject(options.run, options.task)
    length = subject.task.held_out().longest if options.length is None else options.length
    trace = trace_length(subject.model, subject.task, length, sequences=options.sequences, seed=options.seed)
    output.parent.mkdir(parents=True, exist_ok=True)
    trace.save(output)
    say_wrote([output])
