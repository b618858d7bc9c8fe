"""What RUN means on the command line: a training's folder, or a saved model."""

from dataclasses import dataclass
from pathlib import Path

from neuraltape.cli.errors import UsageError, close_matches
from neuraltape.cli.parser import Parser
from neuraltape.nn.machines import kind_of, load_machine
from neuraltape.nn.pretrained import CONFIG, PACKAGED, packaged_names, saved_arguments
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.runs import RunDirectory, load_run
from neuraltape.runs.directory import FIGURES, runs_in
from neuraltape.runs.metrics import Metrics
from neuraltape.settings.settings import read_task
from neuraltape.tasks import TASKS
from neuraltape.tasks.task import Task

RUNS = Path("runs")
# The tasks that need no option to be there.
TASK_NAMES = [name for name, task in TASKS.items() if not task.required_options()]
RUN_HELP = "a run's folder, a name under runs/, a folder with a saved model, or a model that comes with the package"


@dataclass(frozen=True)
class Subject:
    """A trained machine and what is known about it."""

    name: str
    model: SequenceModel
    task: Task
    figures: Path
    """Where its figures go unless the user says otherwise."""
    metrics: Metrics
    """How it was trained; empty where that isn't known."""


def add_subject(parser: Parser) -> None:
    """The arguments that say which machine, and what it learned."""
    parser.add_argument("run", type=str, help=RUN_HELP)
    parser.add_argument(
        "--task",
        type=str,
        default=None,
        help=f"what a saved model learned, if its folder doesn't say: {', '.join(TASK_NAMES)}",
    )
    add_last(parser)


def add_last(parser: Parser) -> None:
    """The argument that asks for another machine of a run than the one that it keeps."""
    parser.add_argument(
        "--last", action="store_true", help="your own sequences: the machine of the last checkpoint, not the best one"
    )


def add_seed(parser: Parser, does: str) -> None:
    """The argument that chooses what is drawn."""
    parser.add_argument("--seed", type=int, default=0, at_least=0, below=2**64, help=does)


def open_subject(run: str, task: str | None = None, *, last: bool = False) -> Subject:
    """Find and load what the user named.

    Raises:
        UsageError: there is no such run or model, or nobody says what it learned.
        ValueError, FileNotFoundError: its files are broken or not there yet.
    """
    folder = find(run)
    directory = RunDirectory(folder)
    if (folder / CONFIG).is_file():
        if last:
            raise UsageError(f"--last is for a run, which has checkpoints; {folder} is a saved model")
        return _open_model(folder, task)
    if (directory.model / CONFIG).is_file():
        saved_arguments(directory.model)
    loaded = load_run(folder, last=last)
    if task not in (None, loaded.task.name):
        raise UsageError(f"--task is for a saved model; {folder} is a run, and learned {loaded.task.name}")
    return Subject(folder.resolve().name, loaded.model, loaded.task, directory.figures, loaded.metrics)


def find_run(run: str) -> Path:
    """The folder of a training. Raises UsageError if there is none."""
    for folder in (Path(run), RUNS / run):
        if RunDirectory(folder).holds_run() and not (folder / CONFIG).is_file():
            return folder
    raise UsageError(f"RUN must be a run's folder, or a name under {RUNS}/; got {run!r}{_hint(run, run_names())}")


def find(run: str) -> Path:
    """The folder of a training or of a saved model. Raises UsageError if there is neither."""
    for folder in (Path(run), RUNS / run):
        if RunDirectory(folder).holds_run() or (folder / CONFIG).is_file():
            return folder
    if run in packaged_names() or (PACKAGED / run / CONFIG).is_file():
        return PACKAGED / run
    raise UsageError(f"RUN must be {RUN_HELP}; got {run!r}{_hint(run, [*run_names(), *packaged_names()])}")


def run_names() -> list[str]:
    """The runs under runs/."""
    return [directory.path.name for directory in runs_in(RUNS)]


def _hint(run: str, names: list[str]) -> str:
    if not names:
        return ". There are no runs yet; make one: neuraltape train copy"
    return close_matches(run, names) or f"; there are {', '.join(names[:10])}{', ...' if len(names) > 10 else ''}"


def _open_model(folder: Path, task: str | None) -> Subject:
    model = load_machine(folder)
    if "input_size" not in kind_of(model).sizes:
        raise UsageError(f"{folder} takes words and answers questions: neuraltape ask {folder}")
    return Subject(folder.resolve().name, model, _task_of(folder, task), figures_of(folder), Metrics())


def figures_of(folder: Path) -> Path:
    """Where a saved model's figures go: into its folder, but not into the package."""
    return Path(FIGURES) / folder.name if PACKAGED in folder.parents else folder / FIGURES


def _task_of(folder: Path, task: str | None) -> Task:
    """What a saved model learned: what the user says, or a configuration in its folder or the one around it."""
    if task is not None:
        if task not in TASK_NAMES:
            raise UsageError(
                f"--task must be one of {', '.join(TASK_NAMES)}; got {task!r}{close_matches(task, TASK_NAMES)}"
            )
        return TASKS[task]()
    for directory in (RunDirectory(folder), RunDirectory(folder.parent)):
        if directory.holds_run():
            return read_task(directory.config)
    raise UsageError(f"--task is missing: {folder} doesn't say what the model learned; one of {', '.join(TASK_NAMES)}")
