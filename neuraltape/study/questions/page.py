"""The page of what came of recipes, beside what was published. Markdown; all seeds count."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from neuraltape.data.babi import SIZES
from neuraltape.study.questions.published import published
from neuraltape.study.questions.run import JOINT, TASK
from neuraltape.study.result import Result
from neuraltape.study.table import markdown

# More wrong answers than this, in per cent: the task is failed (Weston et al. 2015, arXiv 1502.05698).
FAILED = 5.0
INTRODUCTION = """# Question answering

Made by `neuraltape questions` from the files in this folder, one a run; do not edit this page. Every seed that was run
counts. What was published is of the end-to-end memory network (Sukhbaatar et al. 2015, arXiv 1503.08895).

"""


def check(results: Sequence[Result]) -> None:
    """Raise ValueError where one of a recipe's results is none of questions, or is about others than the first one."""
    first = results[0]
    for each in results:
        settings, errors = each.settings, each.errors
        tasks, joint = errors.get("test", {}).keys(), settings.get("joint")
        measured = {"test": tasks, "train": tasks, "loss": {JOINT} if joint else tasks}
        whole = tasks and all(errors.get(part, {}).keys() == names for part, names in measured.items())
        known = settings.get("size") in SIZES and isinstance(joint, bool) and each.parameters is not None
        if each.task != TASK or not whole or not known:
            raise ValueError(
                f"{each.name} must be a result of questions, with its errors; got one of {each.task!r:.40}"
            )
        if (tasks, joint, settings["size"]) != (
            first.errors["test"].keys(), first.settings["joint"], first.settings["size"],
        ):  # fmt: skip
            raise ValueError(f"{each.name} must be about the same questions as {first.name}")


def mean_error(result: Result, part: str) -> float:
    """Wrong answers in per cent, in the mean over the tasks; `part` is "train", "validation" or "test"."""
    return fmean(result.errors[part].values())


def failed(errors: Mapping[str, float]) -> int:
    """Tasks with too many wrong answers."""
    return sum(error > FAILED for error in errors.values())


def best_of(results: Sequence[Result]) -> dict[str, float]:
    """Test errors of the run with the least training error; where each task has a network of its own, task by task."""
    if results[0].settings["joint"]:
        best = min(results, key=lambda each: (mean_error(each, "train"), each.errors["loss"][JOINT]))
        return best.errors["test"]

    def of(task: str) -> Result:
        return min(results, key=lambda each: (each.errors["train"][task], each.errors["loss"][task]))

    return {task: of(task).errors["test"][task] for task in results[0].errors["test"]}


def page(by_recipe: Mapping[str, Sequence[Result]]) -> str:
    """A section for each recipe that has results."""
    return INTRODUCTION + "\n".join(_section(name, results) for name, results in by_recipe.items() if results)


def _section(name: str, results: Sequence[Result]) -> str:
    first, best = results[0], best_of(results)
    size, joint = first.settings["size"], first.settings["joint"]
    other = {task: error for task, error in published(size, joint=joint).items() if task in best}
    means = {task: fmean(each.errors["test"][task] for each in results) for task in best}
    columns = [best, means, *([other] if other else [])]
    failures = [f"{failed(best)}", f"{fmean(failed(each.errors['test']) for each in results):.1f}"]
    rows = [
        *([task, *(f"{each[task]:.1f}" for each in columns)] for task in best),
        ["**mean**", *(f"**{fmean(each.values()):.1f}**" for each in columns)],
        ["failed (over 5 %)", *failures, *([str(failed(other))] if other else [])],
    ]
    seeds = "; ".join(
        f"{each.seed}: {mean_error(each, 'train'):.2f} and {mean_error(each, 'test'):.2f}"
        for each in sorted(results, key=lambda each: each.seed)
    )
    return "\n".join(
        [
            f"### {name}",
            "",
            f"`neuraltape questions {name} --seeds {len(results)}`: {len(best)} tasks of `{size}`, "
            f"{'one network for all of them' if joint else 'a network for each'}, {first.parameters:,} numbers to "
            f"train a network, {fmean(each.seconds for each in results):,.0f} s of processor time a run in the mean. "
            "Wrong answers to the test questions in per cent.",
            "",
            markdown(
                ["task", f"best of {len(results)} by training error", "mean of all", *(["published"] if other else [])],
                rows,
            ),
            f"Every seed, mean errors in training and in the test: {seeds}.",
            "",
        ]
    )
