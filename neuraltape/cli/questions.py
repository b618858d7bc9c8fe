"""`neuraltape questions`: trains memory networks to answer questions, with several seeds, and makes the table."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from neuraltape.cli.errors import UsageError, close_matches
from neuraltape.cli.output import say, say_wrote
from neuraltape.cli.parser import Parser
from neuraltape.cli.recipes import FOLDERS
from neuraltape.cli.study import add_options, carry_out, end, going_on
from neuraltape.data import DataError
from neuraltape.data.babi import babi_contents, read_tasks
from neuraltape.files import write_atomically
from neuraltape.settings.questions import QuestionsConfig
from neuraltape.study.plan import Plan, make_plan
from neuraltape.study.processes import Outcome
from neuraltape.study.questions import answering, check, page
from neuraltape.study.questions.page import failed, mean_error
from neuraltape.study.result import Result

REPORT = "README.md"


def run(argv: Sequence[str]) -> None:
    """Make what is missing, then the table."""
    recipes = {
        path.stem: path for folder in reversed(FOLDERS) for path in sorted((folder / "questions").glob("*.yaml"))
    }
    parser = Parser(
        "neuraltape questions RECIPE [options]",
        "Train memory networks on the bAbI questions, with several seeds, and write the table. "
        f"What is done is skipped. RECIPE is one of {', '.join(sorted(recipes))}, or a YAML file of your own.",
    )
    parser.add_argument("recipe", type=str, help=f"{', '.join(sorted(recipes))}, or a file")
    parser.add_argument("--data_dir", type=str | None, default=None, help="the data set's folder or archive; the cache")
    add_options(parser, seeds=10, seeds_help="so many trainings")
    parser.add_argument("--runs", type=str, default="runs/questions", help="folder for the networks")
    parser.add_argument("--results", type=str, default="results/questions", help="folder for results and table")
    parser.add_argument("--overwrite", action="store_true", help="make trials again that were made with other settings")
    parser.add_argument("--report_only", action="store_true", help="run nothing: only the table")
    options = parser.parse(argv)
    path = recipes.get(options.recipe, Path(options.recipe))
    if not path.is_file():
        hint = close_matches(options.recipe, recipes)
        raise UsageError(f"RECIPE must be one of {', '.join(sorted(recipes))}, or a file; got {options.recipe!r}{hint}")
    config, runs, results = QuestionsConfig.load(path), Path(options.runs), Path(options.results)
    outcomes: list[Outcome] = []
    if not options.report_only:
        places: dict[str, Any] = {"runs": runs, "results": results, "data_dir": options.data_dir}
        # What is done needs no data; where it is here, it must be the same.
        with suppress(DataError):
            places["contents"] = babi_contents(config.tasks, size=config.size, data_dir=options.data_dir)
        seeds = range(options.first_seed, options.first_seed + options.seeds)
        plan = make_plan(answering(path.stem, config, seed, **places) for seed in seeds)
        if plan.stale and not options.overwrite:
            name, why = next(iter(plan.stale.items()))
            raise UsageError(
                f"{results} holds {name} of other settings ({why}); "
                "give your recipe another name, name other --runs and --results, or make it again with --overwrite"
            )
        if plan.left:
            # Data that is missing or broken is said at once.
            read_tasks(sorted(config.tasks), "train", size=config.size, data_dir=options.data_dir)
        with going_on(["questions", *argv]):
            outcomes = carry_out(plan, "questions", options, runs)
        _say_results(plan)
    _report(results)
    end(outcomes)


def _say_results(plan: Plan) -> None:
    """A line about each trial that has been made."""
    for trial in plan.left:
        result = trial.look().result
        if result is not None:
            kept = f", {mean_error(result, 'validation'):.2f} in validation" if result.errors["validation"] else ""
            say(
                f"{trial.name}: {mean_error(result, 'train'):.2f} % wrong in training{kept}, "
                f"{mean_error(result, 'test'):.2f} % in the test ({failed(result.errors['test'])} of "
                f"{len(result.errors['test'])} tasks over 5 %), {result.seconds:.0f} s"
            )


def _report(results: Path) -> None:
    by_recipe: dict[str, list[Result]] = {}
    for path in sorted(results.glob("*-seed-*.json")):
        result = Result.load(path)
        by_recipe.setdefault(result.recipe, []).append(result)
    if not by_recipe:
        raise UsageError(f"--results {results} holds no results")
    for group in by_recipe.values():
        check(group)
    write_atomically(results / REPORT, page(by_recipe).encode())
    say_wrote([results / REPORT])
