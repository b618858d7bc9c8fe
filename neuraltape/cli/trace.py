"""`neuraltape trace`: everything that happens in a machine, step by step, in one file."""

from collections.abc import Sequence
from pathlib import Path

from neuraltape.cli.errors import UsageError
from neuraltape.cli.inside import add_inside, look_inside
from neuraltape.cli.output import check_output, say_wrote
from neuraltape.cli.parser import Parser
from neuraltape.cli.subject import add_seed
from neuraltape.nn import Trace


def run(argv: Sequence[str]) -> None:
    """Write a trace."""
    parser = Parser(
        "neuraltape trace RUN --output FILE [options]",
        "Run a machine on fresh sequences and write every stage of every head to a safetensors file; "
        "neuraltape.Trace.load reads it.",
    )
    add_inside(parser)
    parser.add_argument("--output", type=str, required=True, help="the file to write")
    parser.add_argument("--sequences", type=int, default=1, at_least=1, help="how many sequences")
    add_seed(parser, "chooses the sequences")
    options = parser.parse(argv)
    output = Path(options.output)
    if output.suffix != ".safetensors":
        raise UsageError(f"--output must be a file that ends in .safetensors; got {options.output!r}")
    check_output(output)
    if output.exists():
        _check_trace(output)
    trace, _ = look_inside(options, parser, sequences=options.sequences)
    trace.save(output)
    say_wrote([output])


def _check_trace(output: Path) -> None:
    """Raise UsageError for a file that is no trace: a machine's weights have the same ending."""
    try:
        Trace.load(output)
    except (ValueError, OSError):
        raise UsageError(f"--output: {output} is there already and is no trace; name another file") from None
