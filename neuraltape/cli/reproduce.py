"""`neuraltape reproduce`: the published results, made again: every recipe with every seed, the table, the figures."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from neuraltape.cli.errors import UsageError, close_matches
from neuraltape.cli.output import say, say_wrote
from neuraltape.cli.parser import Parser
from neuraltape.cli.recipes import FOLDERS
from neuraltape.study.processes import Outcome, make_view, run_jobs, run_on_cluster
from neuraltape.study.reproduce import Plan, Recipe, make_plan, read_recipes, write_report

CLUSTER_HELP = "run as Ray tasks: the address of a cluster whose nodes share the folders, or local"


def run(argv: Sequence[str]) -> None:
    """Run what is missing, then write the table and the figures."""
    parser = Parser(
        "neuraltape reproduce [RECIPE ...] [options]",
        "Train every recipe with several seeds, score each run, write the table and the figures of the results. RECIPE "
        "is a task, or the name of a file in recipes/; all of them where none is named. What is done is skipped, what "
        "was stopped is gone on with, and what was made with other settings than the recipe's is made again.",
    )
    parser.add_argument("recipes", type=str, nargs="*", default=[], help="names of recipes")
    parser.add_argument(
        "--seeds", type=int | None, default=None, help="so many of each; 10, of priority-sort 5, of variants fewer"
    )
    parser.add_argument("--first_seed", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time, one thread each")
    parser.add_argument("--retries", type=int, default=2, help="how often a run that fails is tried again")
    parser.add_argument("--cluster", type=str | None, default=None, help=CLUSTER_HELP)
    parser.add_argument("--runs", type=str, default="runs/reproduce", help="folder for the run directories")
    parser.add_argument("--results", type=str, default="results", help="folder for results, table and figures")
    parser.add_argument("--report_only", action="store_true", help="run nothing: only the table and the figures")
    options = parser.parse(argv)
    for name, least in (("seeds", 1), ("first_seed", 0), ("jobs", 1), ("retries", 0)):
        value = getattr(options, name)
        if value is not None and value < least:
            raise UsageError(f"--{name.replace('_', '-')} must be at least {least}; got {value}")
    # Of some tasks results are published elsewhere.
    every = {name: recipe for name, recipe in read_recipes(FOLDERS).items() if recipe.config.task.probes}
    chosen = [every[name] for name in _known(options.recipes, every)]
    seeds = [range(options.first_seed, options.first_seed + (options.seeds or each.usual_seeds)) for each in chosen]
    runs, results = Path(options.runs), Path(options.results)
    if options.cluster is not None:
        # A worker's own folder may be another one.
        runs, results = runs.absolute(), results.absolute()
    failed: list[Outcome] = []
    if not options.report_only:
        plans = make_plan(zip(chosen, seeds, strict=True), runs=runs, results=results)
        failed = _run(plans, options, again=shlex.join(["neuraltape", "reproduce", *argv]))
    asked = {recipe.name: each for recipe, each in zip(chosen, seeds, strict=True)}
    report = write_report(every.values(), results, asked=asked)
    for phrase in report.left_out:
        say(f"left out: {phrase}")
    for row in report.summaries:
        say(f"{row.recipe}: solved {row.solved} of {row.total} ({row.goal})")
    say_wrote(report.paths)
    for outcome in failed:
        say(f"failed: {outcome.job.name}: {outcome.reason} (see {outcome.job.log})")
    if failed:
        raise SystemExit(1)


def _known(names: Sequence[str], recipes: Mapping[str, Recipe]) -> Sequence[str]:
    """The names, or all there are. Raises UsageError for one that isn't known."""
    for name in names:
        if name not in recipes:
            hint = close_matches(name, recipes)
            raise UsageError(f"RECIPE must be one of {', '.join(recipes)}; got {name!r}{hint}")
    return list(dict.fromkeys(names)) or list(recipes)


def _run(plans: Sequence[Plan], options: Namespace, *, again: str) -> list[Outcome]:
    """Make what is not done; returns those that failed."""
    for plan in plans:
        if plan.state == "stale":
            say(f"{plan.name} is out of date and is made again: {plan.why}")
    left = [plan for plan in plans if plan.state != "done"]
    unfinished = sum(plan.state == "unfinished" for plan in left)
    say(f"{len(plans) - len(left)} of {len(plans)} are done, {len(left)} to run, {unfinished} of them to go on with")
    if not left:
        return []
    jobs, view = [plan.job() for plan in left], make_view("reproduce", len(left))
    how: dict[str, Any] = {"at_once": options.jobs, "retries": options.retries, "view": view}
    try:
        if options.cluster is None:
            outcomes = run_jobs(jobs, **how)
        else:
            outcomes = run_on_cluster(jobs, address=options.cluster, **how)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"stopped; what was done is kept; go on with: {again}") from error
    return [outcome for outcome in outcomes if outcome.state == "failed"]
