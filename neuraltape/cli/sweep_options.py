"""What `neuraltape sweep` can be told."""

from pathlib import Path
from typing import Any, Literal

from jsonargparse import Namespace

from neuraltape.cli.errors import UsageError, close_matches
from neuraltape.cli.parser import Parser
from neuraltape.cli.recipes import recipe_of
from neuraltape.cli.study import add_options
from neuraltape.cli.subject import RUNS
from neuraltape.settings.fields import CONTENTS
from neuraltape.settings.settings import read_flat
from neuraltape.tasks import TASKS

# How many settings a search tries unless the user says otherwise.
SEARCHED = 20


def make_parser() -> Parser:
    """All options."""
    parser = Parser(
        "neuraltape sweep TASK [options]",
        "Train a task with every combination of settings and several seeds each. What is done is skipped, what was "
        "stopped is gone on with; a training that fails is tried again and then reported. Each is an ordinary run "
        f"directory. TASK is one of {', '.join(TASKS)}; what is not set comes from its recipe.",
    )
    parser.add_argument("task", type=str, help="what to train")
    parser.add_argument(
        "--set",
        type=str,
        nargs="+",
        action="extend",
        default=[],
        help="settings of `neuraltape train` and their values, such as learning_rate=1e-4,3e-4 max_sequences=50000; "
        "for a search also ranges, such as learning_rate=1e-4..1e-2",
    )
    add_options(parser, seeds=1, seeds_help="so many trainings of each combination")
    parser.add_argument("--config", type=str, default=None, help="a YAML file of settings, instead of the recipe")
    parser.add_argument(
        "--output", type=str, default=None, help=f"a folder, or a URL such as s3://...; {RUNS}/sweep-TASK"
    )
    parser.add_argument("--overwrite", action="store_true", help="make trials again that were made with other settings")
    parser.add_argument(
        "--search",
        type=Literal["grid", "random", "bayesian"],
        default="grid",
        help="how settings are chosen: all combinations; at random; near those that did well (both with Ray Tune)",
    )
    parser.add_argument(
        "--trials",
        type=int | None,
        default=None,
        at_least=1,
        below=1_000_001,
        help=f"how many settings a search tries; {SEARCHED}",
    )
    parser.add_argument("--early_stopping", action="store_true", help="stop trials that do badly (ASHA of Ray Tune)")
    return parser


def check(options: Namespace) -> None:
    """Raise UsageError for values that cannot be, alone or together."""
    if options.task not in TASKS:
        hint = close_matches(options.task, TASKS)
        raise UsageError(f"TASK must be one of {', '.join(TASKS)}; got {options.task!r}{hint}")
    if options.search == "grid" and options.trials is not None:
        raise UsageError("--trials is for a search; a grid has as many as it has (--search random or bayesian)")
    if options.search != "grid" and options.overwrite:
        raise UsageError(f"--overwrite is for a grid; --search {options.search} keeps what is there")
    if options.search != "grid" and options.seeds > 1:
        raise UsageError(
            f"--seeds must be 1 with --search {options.search}; got {options.seeds}. "
            "Search first, then run the best settings with several seeds"
        )


def base_of(task: str, config: str | None) -> dict[str, Any]:
    """What no setting of the sweep says: the given file or the task's recipe. Raises UsageError if it is no such."""
    path = recipe_of(task) if config is None else Path(config)
    if path is None:
        return {}
    if not path.is_file():
        raise UsageError(f"--config must be a YAML file; {config} is not a file")
    values = read_flat(path)
    if (named := values.pop("task", task)) != task:
        raise UsageError(f"--config {config} is for the task {named}; got {task}")
    # Trials look anew at what their files hold.
    values.pop(CONTENTS, None)
    return values
