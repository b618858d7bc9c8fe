"""`neuraltape evaluate` for machines that learned graph traversal: whole walks right, by lesson and on the maps."""

import math

from jsonargparse import Namespace
from rich.table import Table

from neuraltape.cli.output import say, say_wrote, show
from neuraltape.cli.pictures import folder_of
from neuraltape.cli.subject import Subject
from neuraltape.evaluation.graphs import WALKS, GraphReport, score_graphs
from neuraltape.runs.metrics import Metrics
from neuraltape.tasks.graph_traversal import GraphTraversal
from neuraltape.tasks.task import range_label

REPORT = "graphs.json"


def evaluate_graphs(subject: Subject, task: GraphTraversal, options: Namespace) -> None:
    """Score, print, save."""
    path = folder_of(options, subject.figures) / REPORT
    walks = WALKS if options.lengths is None else options.lengths
    report = score_graphs(subject.name, subject.model, task, walks, sequences=options.sequences, seed=options.seed)
    print_report(report, learned(task, subject.metrics))
    report.save(path)
    say_wrote([path])


def learned(task: GraphTraversal, metrics: Metrics) -> str:
    """What it was trained on, in words, and which lesson it has come to where that is known."""
    if task.graphs != "lessons":
        return f", on the map {task.graphs}"
    last = next((line for line in reversed(metrics.lines) if line.get("fraction") is not None), None)
    if last is None:
        return ", nothing of it on the maps"
    lesson = math.ceil(last["fraction"] * task.lesson - 1e-9)
    return f", nothing of it on the maps, in lesson {lesson} after {last['sequences']:,} sequences"


def print_report(report: GraphReport, learned: str) -> None:
    """The scores as a table."""
    table = Table()
    for name in ("graphs", "edges to walk", "wrong digits: mean", "whole answers right"):
        table.add_column(name, justify="left" if name == "graphs" else "right")
    for row in report.rows:
        table.add_row(
            row.graphs, range_label(*row.edges), f"{row.wrong_mean:.4g}", f"{row.perfect:.0%} of {row.sequences:,}"
        )
    slots = "" if report.memory_slots is None else f", {report.memory_slots} slots"
    say(f"{report.name}: graph-traversal{learned}{slots}")
    show(table)
