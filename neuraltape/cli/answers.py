"""`neuraltape evaluate` for machines that answer questions: how many answers to the test questions are wrong."""

import json
from dataclasses import replace

from jsonargparse import Namespace

from neuraltape.cli.output import say, say_wrote
from neuraltape.cli.pictures import folder_of
from neuraltape.cli.subject import Subject
from neuraltape.evaluation.answers import score_answers
from neuraltape.files import write_atomically
from neuraltape.tasks import Babi

REPORT = "answers.json"


def evaluate_answers(subject: Subject, task: Babi, options: Namespace) -> None:
    """Score, print, save."""
    if options.data_dir is not None:
        task = replace(task, data_dir=options.data_dir)
    path = folder_of(options, subject.figures) / REPORT
    scores = score_answers(subject.model, task)
    for score in scores:
        share = f"{score.wrong / score.questions:.1%}"
        say(f"qa{score.kind}: {score.wrong} of {score.questions} test answers wrong, {share}")
    values = {"name": subject.name, "size": task.size, "scores": [score._asdict() for score in scores]}
    write_atomically(path, (json.dumps(values, indent=1) + "\n").encode())
    say_wrote([path])
