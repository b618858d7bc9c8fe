"""The table of what came of recipes, beside what was published. Markdown; all seeds count."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from neuraltape.study.questions.published import published
from neuraltape.study.questions.result import QuestionsResult, failed


def best_of(results: Sequence[QuestionsResult]) -> dict[int, float]:
    """Test errors of the run with the least training error; where each task has a network of its own, task by task."""
    if results[0].settings["joint"]:
        return min(results, key=lambda each: (each.train_error, each.loss[0])).test
    tasks = results[0].test
    return {task: min(results, key=lambda each: (each.train[task], each.loss[task])).test[task] for task in tasks}


def make_report(by_recipe: Mapping[str, Sequence[QuestionsResult]]) -> str:
    """A section for each recipe that has results."""
    return "\n".join(_section(name, results) for name, results in by_recipe.items() if results)


def _section(name: str, results: Sequence[QuestionsResult]) -> str:
    first, best = results[0], best_of(results)
    size, joint = first.settings["size"], first.settings["joint"]
    other = {task: error for task, error in published(size, joint=joint).items() if task in best}
    means = {task: fmean(each.test[task] for each in results) for task in best}
    head = ["task", f"best of {len(results)} by training error", "mean of all", *(["published"] if other else [])]
    lines = [
        f"### {name}",
        "",
        f"`neuraltape questions {name} --seeds {len(results)}`: {len(best)} tasks of `{size}`, "
        f"{'one network for all of them' if joint else 'a network for each'}, {first.parameters:,} numbers to train "
        f"a network, {fmean(each.seconds for each in results):,.0f} s of processor time a run in the mean. "
        "Wrong answers to the test questions in per cent.",
        "",
        _row(head),
        _row(["---"] * len(head)),
    ]
    columns = [best, means, *([other] if other else [])]
    lines += [_row([str(task), *(f"{each[task]:.1f}" for each in columns)]) for task in best]
    lines.append(_row(["**mean**", *(f"**{fmean(each.values()):.1f}**" for each in columns)]))
    failures = [f"{failed(best)}", f"{fmean(each.failed for each in results):.1f}"]
    lines.append(_row(["failed (over 5 %)", *failures, *([str(failed(other))] if other else [])]))
    seeds = "; ".join(
        f"{each.seed}: {each.train_error:.2f} and {each.test_error:.2f}"
        for each in sorted(results, key=lambda each: each.seed)
    )
    return "\n".join([*lines, "", f"Every seed, mean errors in training and in the test: {seeds}.", ""])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
