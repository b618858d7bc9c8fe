"""`neuraltape questions`: trains memory networks to answer questions, with several seeds, and makes the table."""

from collections.abc import Sequence
from pathlib import Path

from neuraltape.cli.errors import UsageError, close_matches
from neuraltape.cli.output import say, say_wrote
from neuraltape.cli.parser import Parser
from neuraltape.cli.recipes import FOLDERS
from neuraltape.runs.files import write_atomically
from neuraltape.settings.questions import QuestionsConfig
from neuraltape.study.questions.report import make_report
from neuraltape.study.questions.result import QuestionsResult
from neuraltape.study.questions.run import run_recipe
from neuraltape.training.memory_network import Epoch

REPORT = "README.md"
INTRODUCTION = """# Question answering

Made by `neuraltape questions` from the files in this folder, one a run; do not edit this page. Every seed that was run
counts. What was published is of the end-to-end memory network (Sukhbaatar et al. 2015, arXiv 1503.08895).

"""


def run(argv: Sequence[str]) -> None:
    """Make what is missing, then the table."""
    recipes = {
        path.stem: path for folder in reversed(FOLDERS) for path in sorted((folder / "questions").glob("*.yaml"))
    }
    parser = Parser(
        "neuraltape questions RECIPE [options]",
        "Train memory networks on the bAbI questions, with several seeds one after the other, and write the table. "
        f"What is done is skipped. RECIPE is one of {', '.join(sorted(recipes))}, or a YAML file of your own.",
    )
    parser.add_argument("recipe", type=str, help=f"{', '.join(sorted(recipes))}, or a file")
    parser.add_argument("--data_dir", type=str | None, default=None, help="the data set's folder or archive; the cache")
    parser.add_argument("--seeds", type=int, default=10, help="so many runs")
    parser.add_argument("--first_seed", type=int, default=0, help="the first of them")
    parser.add_argument("--runs", type=str, default="runs/questions", help="folder for the networks")
    parser.add_argument("--results", type=str, default="results/questions", help="folder for results and table")
    parser.add_argument("--report_only", action="store_true", help="run nothing: only the table")
    options = parser.parse(argv)
    for name, least in (("seeds", 1), ("first_seed", 0)):
        if getattr(options, name) < least:
            raise UsageError(f"--{name.replace('_', '-')} must be at least {least}; got {getattr(options, name)}")
    path = recipes.get(options.recipe, Path(options.recipe))
    if not path.is_file():
        hint = close_matches(options.recipe, recipes)
        raise UsageError(f"RECIPE must be one of {', '.join(sorted(recipes))}, or a file; got {options.recipe!r}{hint}")
    name, config, results = path.stem, QuestionsConfig.load(path), Path(options.results)
    if not options.report_only:
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            _make(name, config, seed, Path(options.runs), results, options.data_dir)
    _report(results)


def _make(name: str, config: QuestionsConfig, seed: int, runs: Path, results: Path, data_dir: str | None) -> None:
    """One run, unless it is done."""
    label = f"{name}-seed-{seed}"
    path = results / f"{label}.json"
    if path.exists() and QuestionsResult.load(path).settings == config.settings():
        say(f"{label} is done")
        return

    def told(part: str, epoch: Epoch) -> None:
        if epoch.number % 10 == 0 or epoch.number == epoch.of:
            say(f"{label}, {part}: epoch {epoch.number} of {epoch.of}, loss {epoch.loss:.4f}")

    result = run_recipe(name, config, seed, folder=runs / label, data_dir=data_dir, told=told)
    result.save(path)
    kept = (
        f", {sum(result.validation.values()) / len(result.validation):.2f} in validation" if result.validation else ""
    )
    say(
        f"{label}: {result.train_error:.2f} % wrong in training{kept}, {result.test_error:.2f} % in the test "
        f"({result.failed} of {len(result.test)} tasks over 5 %), {result.seconds:.0f} s"
    )


def _report(results: Path) -> None:
    by_recipe: dict[str, list[QuestionsResult]] = {}
    for path in sorted(results.glob("*-seed-*.json")):
        result = QuestionsResult.load(path)
        by_recipe.setdefault(result.recipe, []).append(result)
    if not by_recipe:
        raise UsageError(f"--results {results} holds no results")
    write_atomically(results / REPORT, (INTRODUCTION + make_report(by_recipe)).encode())
    say_wrote([results / REPORT])
