"""`neuraltape animate`: the tape and its heads as a GIF or an MP4."""

from collections.abc import Sequence
from pathlib import Path

from neuraltape.cli.errors import UsageError
from neuraltape.cli.inside import add_inside, look_inside
from neuraltape.cli.output import check_output, say_wrote
from neuraltape.cli.parser import Parser
from neuraltape.cli.subject import add_seed
from neuraltape.plotting.animate import SUFFIXES, animate


def run(argv: Sequence[str]) -> None:
    """Write an animation."""
    parser = Parser(
        "neuraltape animate RUN [options]",
        "Draw a machine at work, a frame a step: what comes in, the memory with the heads' focus on it, what goes out; "
        "for a network that answers questions, a frame a hop.",
    )
    add_inside(parser)
    parser.add_argument("--output", type=str | None, default=None, help="a .gif or .mp4; tape.gif among the figures")
    add_seed(parser, "chooses the sequence")
    parser.add_argument("--frames_per_second", type=float, default=4.0, help="steps shown a second")
    options = parser.parse(argv)
    if options.output is not None and not options.output.lower().endswith(SUFFIXES):
        raise UsageError(f"--output must be a file that ends in {' or '.join(SUFFIXES)}; got {options.output!r}")
    if options.output is not None:
        check_output(Path(options.output))
    trace, figures = look_inside(options, parser)
    path = figures / "tape.gif" if options.output is None else options.output
    say_wrote([animate(trace, path, frames_per_second=options.frames_per_second)])
