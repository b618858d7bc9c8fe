"""`neuraltape reproduce`: the published results, made again: every recipe with every seed, the table, the figures."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

from neuraltape.cli.errors import UsageError, close_matches
from neuraltape.cli.output import say, say_wrote
from neuraltape.cli.parser import Parser
from neuraltape.cli.recipes import FOLDERS
from neuraltape.cli.study import add_options, carry_out, end, going_on
from neuraltape.study.plan import make_plan
from neuraltape.study.reproduce import Recipe, read_recipes, write_report


def run(argv: Sequence[str]) -> None:
    """Run what is missing, then write the table and the figures."""
    parser = Parser(
        "neuraltape reproduce [RECIPE ...] [options]",
        "Train every recipe with several seeds, score each run, write the table and the figures of the results. RECIPE "
        "is a task, or the name of a file in recipes/; where none is named, all of the paper's five tasks. What is "
        "done is skipped, what was stopped is gone on with, and what was made with other settings than the recipe's is "
        "made again.",
    )
    parser.add_argument("recipes", type=str, nargs="*", default=[], help="names of recipes")
    add_options(parser, seeds=None, seeds_help="so many of each; 10, of priority-sort 5, of variants fewer")
    parser.add_argument("--runs", type=str, default="runs/reproduce", help="folder for the run directories")
    parser.add_argument("--results", type=str, default="results", help="folder for results, table and figures")
    parser.add_argument("--report_only", action="store_true", help="run nothing: only the table and the figures")
    options = parser.parse(argv)
    # Of some tasks results are published elsewhere.
    every = {name: recipe for name, recipe in read_recipes(FOLDERS).items() if recipe.config.task.probes}
    chosen = _chosen(options.recipes, every)
    runs, results = Path(options.runs), Path(options.results)
    asked = {each.name: _seeds(each, options, results) for each in chosen}
    failed = []
    if not options.report_only:
        trials = (each.trial(seed, runs=runs, results=results) for each in chosen for seed in asked[each.name])
        with going_on(["reproduce", *argv]):
            failed = carry_out(make_plan(trials), "reproduce", options, runs)
    report = write_report(every.values(), results, asked=asked)
    for phrase in report.left_out:
        say(f"left out: {phrase}")
    for row in report.summaries:
        at_once = "" if row.at_once is None else f", {row.at_once} of them without starting over or going back"
        say(f"{row.recipe}: solved {row.solved} of {row.total} ({row.goal}){at_once}")
        for seed, how in row.failed.items():
            say(f"  seed {seed}: {how}")
        for seed in row.missing:
            say(f"  seed {seed}: no result")
    say_wrote(report.paths)
    end(failed)


def _seeds(recipe: Recipe, options: Namespace, results: Path) -> range:
    """The seeds that should have a result; of a report for which none are named, the block whose results are there."""
    first, count = options.first_seed, options.seeds or recipe.usual_seeds
    if options.report_only and options.seeds is None and first == 0:
        there = [result.seed for result in recipe.results_in(results)[0]]
        if there:
            return range(there[0], max(there[-1] + 1, there[0] + count))
    return range(first, first + count)


def _chosen(names: Sequence[str], recipes: Mapping[str, Recipe]) -> list[Recipe]:
    """The recipes of these names; of none, those of the paper's tasks and machines.

    Raises:
        UsageError: one that isn't known.
    """
    for name in names:
        if name not in recipes:
            hint = close_matches(name, recipes)
            raise UsageError(f"RECIPE must be one of {', '.join(recipes)}; got {name!r}{hint}")
    if names:
        return [recipes[name] for name in dict.fromkeys(names)]
    # Others can take days.
    others = [name for name, recipe in recipes.items() if not recipe.of_the_paper]
    if others:
        listed = ", ".join(others)
        say(f"left out, as they are not of the paper's tasks and machines: {listed}; each is made where it is named")
    return [recipe for recipe in recipes.values() if recipe.of_the_paper]
