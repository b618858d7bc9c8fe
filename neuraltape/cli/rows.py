"""What `train` and `evaluate` say about your own sequences: what they are, and the score of each of them once."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from jsonargparse import Namespace
from rich.table import Table

from neuraltape.cli.output import say_wrote, show
from neuraltape.cli.pictures import folder_of
from neuraltape.cli.subject import Subject
from neuraltape.evaluation.rows import RowsScore, guess_cost, score_rows
from neuraltape.files import write_atomically
from neuraltape.runs import load_run
from neuraltape.settings import Settings
from neuraltape.tasks.own_data import OwnData
from neuraltape.tasks.score import NATS_PER_BIT
from neuraltape.tasks.table import features
from neuraltape.tasks.text import Text
from neuraltape.training.learner import build_machine

REPORT = "rows.json"


def evaluate_rows(subject: Subject, task: OwnData, options: Namespace) -> None:
    """Score, print, save."""
    folder = folder_of(options, subject.figures)
    if options.data is None:
        parts = {name: rows for name, rows in task.parts.items() if len(rows)}
        scores = {name: score_rows(subject.model, task, rows) for name, rows in parts.items()}
    else:
        task = task.of_file(options.data)
        scores = {options.data: score_rows(subject.model, task)}
    show(table_of(subject.name, task, scores))
    values = {"name": subject.name, "kind": task.target_kind, "scores": {each: asdict(scores[each]) for each in scores}}
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / REPORT, (json.dumps(values, indent=1) + "\n").encode())
    say_wrote([folder / REPORT])


def say_scores(run_dir: Path, task: OwnData) -> None:
    """The scores of a run on the rows that were kept from its training; its task, which has read the files."""
    run = load_run(run_dir)
    kept = {name: rows for name, rows in task.parts.items() if name != "training" and len(rows)}
    if kept:
        show(table_of(run_dir.name, task, {name: score_rows(run.model, task, rows) for name, rows in kept.items()}))


def describe(settings: Settings, *, asked: str | None) -> list[str]:
    """What is in the files of a training on one's own sequences, how it is read and what is kept apart, in lines.

    Args:
        settings: those that the run keeps.
        asked: what says of what kind the targets are, an option or a file; None: nothing does.
    """
    task: OwnData = settings.task  # pyright: ignore[reportAssignmentType]
    lines = _of_text(task) if isinstance(task, Text) else _of_sequences(task, asked)
    table = task.table
    parts = ", ".join(f"{len(rows):,} for {name}" for name, rows in task.parts.items() if len(rows))
    scored = task.held_out().rows
    unit = "(mean squared error)" if table.kind == "values" else "nats a step"
    where = "validation" if len(task.parts["validation"]) else "training"
    lines.append(f"{parts}; guessing the mean costs {guess_cost(task, scored):.4g} {unit} in {where}")
    with torch.random.fork_rng([]):
        machine = build_machine(settings)
    looked_up = f"; each symbol is looked up as {machine.embedding_size:,} numbers" if machine.embedding_size else ""
    parameters = sum(each.numel() for each in machine.parameters())
    lines.append(f"{settings.kind.name}: {parameters:,} parameters{looked_up}")
    return lines


def _of_sequences(task: OwnData, asked: str | None) -> list[str]:
    """What inputs and targets are, and why."""
    table = task.table
    low, high, count = int(table.lengths.min()), int(table.lengths.max()), len(table.lengths)
    steps = f"{low}" if low == high else f"{low} to {high}"
    inputs = f"one of {table.input_size} symbols" if table.inputs.dim() == 2 else features(table.input_size)
    # A table's columns have names; those that go in where nobody said which are to be seen.
    names = getattr(task, "inputs", None)
    listed = "" if names is None else f": {', '.join(names):.200}"
    lines = [f"{count:,} sequences of {steps} steps; inputs: {inputs} a step{listed}"]
    what, why = {
        "bits": (_counted(table.output_size, "bit") + " a step", "all are 0 or 1"),
        "classes": (f"one of {table.output_size} classes", "they are whole numbers without a list around them"),
        "values": (_counted(table.output_size, "value") + " a step", "they are neither bits nor classes"),
    }[table.kind]
    why = f"{asked} says" if asked else why
    lines.append(f"targets: {what}, as {why}" + ("; they are the next step's inputs" if table.follows else ""))
    every = torch.arange(len(table.lengths))
    if table.kind == "values" and not asked and all(bool((part == part.round()).all()) for part in task.goals(every)):
        lines.append("note: all targets are whole numbers; they are learned as values, with --kind classes as classes")
    return lines


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _of_text(task: Text) -> list[str]:
    """What the tokens are, and which are unknown."""
    table = task.table
    pieces = int(table.lengths.sum())
    lines = [
        f"{pieces:,} {task.unit} in {len(table.lengths):,} windows of {task.window}; {len(task.known):,} are known, "
        f"and one token stands for all others: {''.join(task.known[:20])!r}..."
    ]
    lines += [
        f"note: {share:.2%} of {name} is unknown"
        for name, rows in task.parts.items()
        if len(rows) and (share := task.unknown_share(rows))
    ]
    return lines


def table_of(name: str, task: OwnData, scores: Mapping[str, RowsScore]) -> Table:
    """The scores as a table."""
    values = task.target_kind == "values"
    cost = "mean squared error" if values else "nats a step"
    wrong = "missed by more than 0.5" if values else "wrong"
    table = Table(title=f"{name}: {task.target_kind}", title_justify="left", title_style="bold")
    text = isinstance(task, Text)
    if text:
        cost = "nats a token"
    headings = ("sequences of", "number", "scored steps", cost, "guessing the mean", wrong)
    # Of values the cost and the task's score are one.
    more = ("perplexity", "bits a character") if text else () if values else (task.score_name,)
    for heading in (*headings, *more):
        table.add_column(heading, justify="left" if heading == "sequences of" else "right")
    for part, score in scores.items():
        figures = (f"{score.cost:.4g}", f"{score.guess:.4g}", f"{score.wrong:.2%}", f"{score.score:.4g}")
        if isinstance(task, Text):
            bits = score.cost / NATS_PER_BIT / task.characters_per_token
            figures = (*figures[:-1], f"{math.exp(score.cost):.4g}", f"{bits:.4g}")
        elif values:
            figures = figures[:-1]
        table.add_row(part, f"{score.sequences:,}", f"{score.steps:,}", *figures)
    return table
