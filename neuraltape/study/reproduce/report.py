"""The results table and the figures, from the files of the single runs alone."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from neuraltape.files import write_atomically
from neuraltape.runs.directory import FIGURES
from neuraltape.study.reproduce.page import page
from neuraltape.study.reproduce.recipe import Recipe
from neuraltape.study.reproduce.summary import Summary, summarise
from neuraltape.study.result import Result

FORMAT = "neuraltape-results-1"


class Report(NamedTuple):
    """What was written."""

    summaries: list[Summary]
    """The rows of the table."""
    left_out: list[str]
    """What is not in it, a phrase each."""
    paths: list[Path]
    """The files."""


def write_report(recipes: Iterable[Recipe], results: Path, *, asked: Mapping[str, Collection[int]]) -> Report:
    """Write README.md, results.json and the figures into the folder of results.

    Args:
        recipes: all that there are, in the order of the rows; one without any result has no row.
        results: the folder.
        asked: by recipe, the seeds that should have a result.
    """
    left_out: list[str] = []
    summaries: list[Summary] = []
    chosen: dict[str, list[Result]] = {}
    recipes = list(recipes)
    for recipe in recipes:
        found, phrases = recipe.results_in(results)
        left_out += phrases
        if found:
            seeds = {result.seed for result in found}
            chosen[recipe.name] = found
            summaries.append(summarise(recipe, found, set(asked.get(recipe.name, ())) - seeds))
        elif recipe.name in asked:
            left_out.append(f"{recipe.name} has no result yet")
    figures = [
        path
        for task, group in groupby((each for each in recipes if each.name in chosen), key=lambda recipe: recipe.task)
        for path in _write_figures(task, {each.name: chosen[each.name] for each in group}, results / FIGURES)
    ]
    table, text = results / "results.json", results / "README.md"
    values = {"format": FORMAT, "results": [asdict(each) for each in summaries]}
    write_atomically(table, (json.dumps(values, indent=1) + "\n").encode())
    write_atomically(text, page(summaries, [path.relative_to(results).as_posix() for path in figures]).encode())
    return Report(summaries, left_out, [text, table, *figures])


def _write_figures(task: str, results: Mapping[str, Sequence[Result]], folder: Path) -> list[Path]:
    # matplotlib is loaded when there is something to draw.
    from neuraltape.plotting import save_figure
    from neuraltape.study.reproduce.figures import plot_probes, plot_seeds

    figures = {"learning": plot_seeds(results), "lengths": plot_probes(results)}
    return [
        save_figure(figure, folder / f"{task}-{name}.png") for name, figure in figures.items() if figure is not None
    ]
