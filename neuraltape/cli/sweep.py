"""`neuraltape sweep`: one task, many settings, several seeds each; the table of what came of them."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neuraltape.cli.errors import UsageError, close_matches
from neuraltape.cli.output import say, say_wrote
from neuraltape.cli.parser import Parser
from neuraltape.cli.recipes import recipe_of
from neuraltape.cli.subject import RUNS
from neuraltape.runner import Outcome, make_view, run_jobs
from neuraltape.sweep import HEADINGS, Plan, Store, make_plan, make_trials, read_space, rows_of, write_report
from neuraltape.training.config import NAMED_TASKS, read_flat

TABLE_WIDTH = 300


def run(argv: Sequence[str]) -> None:
    """Run what is missing, then write the table."""
    parser = Parser(
        "neuraltape sweep TASK [options]",
        "Train a task with every combination of settings and several seeds each. What is done is skipped, what was "
        "stopped is gone on with; a training that fails is tried again and then reported. Each is an ordinary run "
        f"directory. TASK is one of {', '.join(NAMED_TASKS)}; what is not set comes from its recipe.",
    )
    parser.add_argument("task", type=str, help="what to train")
    parser.add_argument(
        "--set",
        type=str,
        nargs="+",
        default=[],
        help="settings of `neuraltape train` and their values, such as learning_rate=1e-4,3e-4 max_sequences=50000",
    )
    parser.add_argument("--seeds", type=int, default=1, help="so many trainings of each combination")
    parser.add_argument("--first_seed", type=int, default=0, help="the first of them")
    parser.add_argument("--config", type=str, default=None, help="a YAML file of settings, instead of the recipe")
    parser.add_argument(
        "--output", type=str, default=None, help=f"a folder, or a URL such as s3://...; {RUNS}/sweep-TASK"
    )
    parser.add_argument("--overwrite", action="store_true", help="make trials again that were made with other settings")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, one thread each")
    parser.add_argument("--retries", type=int, default=2, help="how often a training that fails is tried again")
    options = parser.parse(argv)
    for name, least in (("seeds", 1), ("first_seed", 0), ("jobs", 1), ("retries", 0)):
        if (value := getattr(options, name)) < least:
            raise UsageError(f"--{name.replace('_', '-')} must be at least {least}; got {value}")
    if options.task not in NAMED_TASKS:
        hint = close_matches(options.task, NAMED_TASKS)
        raise UsageError(f"TASK must be one of {', '.join(NAMED_TASKS)}; got {options.task!r}{hint}")
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    try:
        trials = make_trials(options.task, base_of(options.task, options.config), read_space(options.set), seeds)
    except ValueError as error:
        raise UsageError(f"--set: {error}") from error
    output = options.output or str(RUNS / f"sweep-{options.task}")
    store = Store(output)
    plan = make_plan(trials, store)
    if plan.stale and not options.overwrite:
        name, changes = next(iter(plan.stale.items()))
        raise UsageError(
            f"{store.url} holds {name} of other settings ({'; '.join(changes)}); "
            "name another --output, or make it again with --overwrite"
        )
    again = shlex.join(["neuraltape", "sweep", *argv])
    failed = _run(plan, logs_of(store), at_once=options.jobs, retries=options.retries, again=again)
    plan = make_plan(trials, store)
    say_wrote(write_report(trials, plan.results, store))
    say_table(plan)
    for outcome in failed:
        tries = f" {outcome.attempts} times" if outcome.attempts > 1 else ""
        say(f"failed{tries}: {outcome.job.name}: {outcome.reason} (see {outcome.job.log})")
    if failed:
        raise SystemExit(1)


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
    return values


def logs_of(store: Store) -> Path:
    """The folder for what trials print: with them, or for a store elsewhere on this computer."""
    return store.local or RUNS / f"logs-of-{store.url.rstrip('/').rpartition('/')[2]}"


def say_table(plan: Plan) -> None:
    """What came of every setting, the best first."""
    from rich.console import Console
    from rich.table import Table

    rows = rows_of(plan.trials, plan.results)
    names = list(rows[0].varied)
    table = Table(box=None, pad_edge=False)
    for heading in (*names, *HEADINGS):
        table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(*(str(row.varied[name]) for name in names), *row.cells)
    # As wide as it is, not as the terminal is: a line can be read on, a figure that is cut off cannot.
    console = Console(highlight=False, markup=False, width=TABLE_WIDTH)
    with console.capture() as captured:
        console.print(table)
    say("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _run(plan: Plan, logs: Path, *, at_once: int, retries: int, again: str) -> list[Outcome]:
    """Make what is left; returns what failed."""
    left = plan.jobs(logs)
    say(f"{len(plan.trials) - len(left)} of {len(plan.trials)} trials are done, {len(left)} to run")
    if not left:
        return []
    try:
        outcomes = run_jobs(left, at_once=at_once, retries=retries, view=make_view("sweep", len(left)))
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"stopped; what was done is kept; go on with: {again}") from error
    return [outcome for outcome in outcomes if outcome.state == "failed"]
