"""`neuraltape resume`: go on with a training where it stopped."""

from collections.abc import Sequence

from neuraltape.cli.output import first_process
from neuraltape.cli.parser import Parser
from neuraltape.cli.subject import find_run
from neuraltape.cli.train import say_result
from neuraltape.runs import RunDirectory
from neuraltape.settings.settings import read_task
from neuraltape.training import resume


def run(argv: Sequence[str]) -> None:
    """Go on with a training."""
    parser = Parser("neuraltape resume RUN [options]", "Go on with a training where its last checkpoint left it.")
    parser.add_argument("run", type=str, help="a run's folder, or a name under runs/")
    parser.add_argument(
        "--max_sequences", type=int | None, default=None, at_least=1, help="another budget, in sequences"
    )
    parser.add_argument(
        "--devices", type=int | None, default=None, at_least=1, help="another number of processes on each machine"
    )
    options = parser.parse(argv)
    folder = find_run(options.run)
    result = resume(
        folder,
        max_sequences=options.max_sequences,
        devices=options.devices,
        progress=first_process(),
    )
    say_result(result, read_task(RunDirectory(folder).config).score_name)
