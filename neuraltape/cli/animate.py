"""`neuraltape animate`: the tape and its heads as a GIF or an MP4."""

from collections.abc import Sequence

from neuraltape.cli.errors import UsageError
from neuraltape.cli.output import say_wrote
from neuraltape.cli.parser import Parser
from neuraltape.cli.subject import add_subject, open_subject
from neuraltape.evaluation import trace_length
from neuraltape.plotting.animate import SUFFIXES, animate


def run(argv: Sequence[str]) -> None:
    """Write an animation."""
    parser = Parser(
        "neuraltape animate RUN [options]",
        "Draw a machine at work, a frame a step: what comes in, the memory with the heads' focus on it, what goes out.",
    )
    add_subject(parser)
    parser.add_argument("--output", type=str | None, default=None, help="a .gif or .mp4; tape.gif among the figures")
    parser.add_argument("--length", type=int | None, default=None, help="of the sequence; the longest of training")
    parser.add_argument("--seed", type=int, default=0, help="chooses the sequence")
    parser.add_argument("--frames_per_second", type=float, default=4.0, help="steps shown a second")
    options = parser.parse(argv)
    if options.output is not None and not options.output.lower().endswith(SUFFIXES):
        raise UsageError(f"--output must be a file that ends in {' or '.join(SUFFIXES)}; got {options.output!r}")
    subject = open_subject(options.run, options.task)
    path = subject.figures / "tape.gif" if options.output is None else options.output
    length = subject.task.held_out().longest if options.length is None else options.length
    trace = trace_length(subject.model, subject.task, length, sequences=1, seed=options.seed)
    say_wrote([animate(trace, path, frames_per_second=options.frames_per_second)])
