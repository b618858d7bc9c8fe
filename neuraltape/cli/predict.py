"""`neuraltape predict`: what a machine says to the sequences in a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from neuraltape.cli.errors import UsageError
from neuraltape.cli.output import check_output, say_wrote
from neuraltape.cli.parser import Parser
from neuraltape.cli.subject import RUN_HELP, Subject, add_last, open_subject
from neuraltape.evaluation.files import SUFFIXES, as_bytes, check_suffix
from neuraltape.evaluation.predictions import Prediction, predict
from neuraltape.files import write_atomically
from neuraltape.tasks.own_data import OwnData
from neuraltape.tasks.text import Text


def run(argv: Sequence[str]) -> None:
    """Read, run, write."""
    parser = Parser(
        "neuraltape predict RUN FILE --output OUT [options]",
        "Run a machine that learned your own sequences on those in FILE, and write what it says to each step: the "
        "probability of each bit or class, and the likeliest class; values as they are. Targets there are passed over. "
        "Of a text: each token, what it cost in nats, and which was the likeliest.",
    )
    parser.add_argument("run", type=str, help=RUN_HELP)
    parser.add_argument("file", type=str, help="sequences, in a file such as the machine learned from")
    add_last(parser)
    add_output(parser)
    options = parser.parse(argv)
    output = output_of(options.output, overwrite=options.overwrite)
    subject, task = own_subject(options.run, last=options.last)
    inputs, lengths = task.read_inputs(options.file, subject.model.input_size)
    found = predict(subject.model, task.target_kind, inputs, lengths)
    if isinstance(task, Text):
        rows = zip(inputs, lengths.tolist(), found, strict=True)
        arrays = [_said(task, tokens[:length], each) for tokens, length, each in rows]
    else:
        arrays = [
            {"outputs": each.outputs, **({} if each.classes is None else {"class": each.classes})} for each in found
        ]
    labels = task.read_labels(options.file) if output.suffix == ".csv" else None
    write_atomically(output, as_bytes(output, arrays, labels))
    say_wrote([output])


def _said(task: Text, tokens: Tensor, found: Prediction) -> dict[str, np.ndarray]:
    """A window of a text: each token, what it cost in nats after those before it, and what was likeliest then.

    What was said after the last token is about one that isn't in the window.
    """
    assert found.classes is not None
    texts = [task.token(number) for number in tokens.tolist()]
    likeliest = ["", *(task.token(number) for number in found.classes[:-1].tolist())]
    chances = found.outputs[np.arange(len(tokens) - 1), tokens[1:].numpy()]
    return {"token": np.array(texts), "nats": np.append(0.0, -np.log(chances)), "likeliest": np.array(likeliest)}


def add_output(
    parser: Parser, helped: str = "the file to write: .npz, .jsonl or .csv", *, required: bool = True
) -> None:
    """The arguments that say where to write."""
    how: dict[str, Any] = {"required": True} if required else {"default": None}
    parser.add_argument("--output", type=str if required else str | None, help=helped, **how)
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there already")


def output_of(output: str, *, overwrite: bool, suffixes: Sequence[str] = SUFFIXES) -> Path:
    """The file to write. Raises UsageError where it can't be."""
    path = Path(output)
    try:
        check_suffix(path, suffixes)
    except ValueError as error:
        raise UsageError(f"--output: {error}") from None
    check_output(path)
    if path.exists() and not overwrite:
        raise UsageError(f"--output: {path} is there already; name another file, or replace it with --overwrite")
    return path


def own_subject(run: str, *, last: bool) -> tuple[Subject, OwnData]:
    """A machine that learned the user's own sequences, and its task. Raises UsageError for another one."""
    subject = open_subject(run, last=last)
    if not isinstance(subject.task, OwnData):
        raise UsageError(f"RUN must have learned your own sequences (train --data); it learned {subject.task.name}")
    return subject, subject.task.settled()
