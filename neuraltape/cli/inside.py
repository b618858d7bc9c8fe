"""What `trace`, `plot` and `animate` share: which machine is looked into, and at which sequence or story."""

import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from neuraltape.cli.errors import UsageError, one_line
from neuraltape.cli.parser import Parser
from neuraltape.cli.subject import Subject, add_subject, figures_of, find, open_subject
from neuraltape.cli.travel import MAPS, open_traveller
from neuraltape.evaluation import trace_length
from neuraltape.evaluation.answerer import Answerer
from neuraltape.evaluation.journey import travel
from neuraltape.evaluation.session import Session
from neuraltape.files import MOST_BYTES, read_whole
from neuraltape.nn.trace import Trace
from neuraltape.settings.fields import field_names
from neuraltape.tasks.journey import Journey
from neuraltape.tasks.vocabulary import FILE as VOCABULARY

# The options that a story leaves something to say.
OF_STORIES = ("run", "story", "output", "format", "frames_per_second")


@dataclass(frozen=True)
class Story:
    """A memory network and the story that it is told."""

    session: Session
    """Which has heard the facts."""
    question: str
    """What it is asked about them."""
    figures: Path
    """Where its figures go unless the user says otherwise."""

    def trace(self) -> Trace:
        """Ask, and keep the hops."""
        return self.session.trace(self.question)


def add_inside(parser: Parser) -> None:
    """The arguments that say which machine, and what it is run on; `--seed` is the command's own."""
    add_subject(parser)
    add_sequence(parser)


def add_sequence(parser: Parser) -> None:
    """The arguments that say what a machine is run on."""
    parser.add_argument(
        "--length",
        type=int | None,
        default=None,
        at_least=1,
        help="length of the sequence to look into; the longest of training",
    )
    parser.add_argument(
        "--journey", type=str | None, default=None,
        help="graph-traversal: this journey on the Underground, such as 'Victoria, Victoria north, Central east'",
    )  # fmt: skip
    parser.add_argument("--map", type=str | None, default=None, help=f"--journey: {' or '.join(MAPS)} (zone 1)")
    parser.add_argument(
        "--data_dir", type=str | None, default=None, help="babi, omniglot: the data set's folder or archive"
    )
    parser.add_argument(
        "--story",
        type=str | None,
        default=None,
        help="a network that answers questions: a text file with a fact on each line and the question on the last",
    )


def open_story(options: Namespace, parser: Parser) -> Story | None:
    """The network and the story that the arguments name; None where RUN is no network that answers questions.

    Raises:
        UsageError: there is no such story, RUN can't be told one, or an option is for machines that take sequences.
    """
    folder = find(options.run)
    if not (folder / VOCABULARY).is_file():
        if options.story is not None:
            raise UsageError(f"--story is for a network that answers questions; {options.run} is none")
        return None
    parser.refuse_others(options, OF_STORIES, f"is for machines that take sequences; {options.run} is told a --story")
    if options.story is None:
        raise UsageError("--story is missing: a text file with a fact on each line and the question on the last")
    try:
        lines = [line.strip() for line in _read(options.story).decode("utf-8").splitlines()]
    except (OSError, ValueError) as error:
        reason = one_line(error)
        named = "" if options.story in reason else f"{options.story}: "
        raise UsageError(f"--story must be a text file; {named}{reason}") from None
    *facts, question = [line for line in lines if line] or [""]
    if not facts:
        raise UsageError(
            f"--story must have a fact on each line and the question on the last; {options.story} has none"
        )
    session = Session(Answerer.load(folder))
    for fact in facts:
        session.tell(fact)
    return Story(session, question, figures_of(folder))


def _read(path: str) -> bytes:
    """What a story's file holds, or the pipe that a shell hands over: <(...), or /dev/stdin.

    Raises:
        OSError, ValueError: see `read_whole`.
    """
    # Such a pipe has somebody who writes into it; one that lies in a folder is waited for.
    if not (path.startswith("/dev/") and stat.S_ISFIFO(os.stat(path).st_mode)):
        return read_whole(path)
    with open(path, "rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"{path} is too large: expected at most {MOST_BYTES:,} bytes")
    return content


def with_data(subject: Subject, data_dir: str | None) -> Subject:
    """The machine with its task's data set in this folder. Raises UsageError for a task that has none."""
    if data_dir is None:
        return subject
    if "data_dir" not in field_names(type(subject.task)):
        raise UsageError(f"--data-dir is for tasks with a data set; {subject.name} learned {subject.task.name}")
    task: Any = subject.task
    return replace(subject, task=replace(task, data_dir=data_dir))


def look_inside(options: Namespace, parser: Parser, *, sequences: int = 1) -> tuple[Trace, Path]:
    """The trace that the arguments ask for, and where its figures go."""
    story = open_story(options, parser)
    if story is not None:
        return story.trace(), story.figures
    subject = with_data(open_subject(options.run, options.task, last=options.last), options.data_dir)
    travelled = travel_subject(subject, options)
    if travelled is not None:
        if sequences > 1:
            raise UsageError(f"--sequences must be 1 with --journey; got {sequences}")
        return travelled, subject.figures
    return trace_subject(subject, options, sequences=sequences), subject.figures


def travel_subject(subject: Subject, options: Namespace) -> Trace | None:
    """A machine's trace on the journey that the arguments ask for; None where they ask for none.

    Raises:
        UsageError: the machine learned something else, an option that a journey leaves nothing to say, or no journey.
    """
    if options.journey is None:
        if options.map is not None:
            raise UsageError("--map belongs to --journey")
        return None
    if options.length is not None:
        raise UsageError("--length has no effect with --journey, which is as long as it is")
    traveller = open_traveller(subject, options.map)
    try:
        journey = Journey.read(options.journey, traveller.map)
    except ValueError as error:
        raise UsageError(f"--journey: {error}") from None
    return travel(subject.model, journey, seed=options.seed).trace


def trace_subject(subject: Subject, options: Namespace, *, sequences: int = 1) -> Trace:
    """A machine's trace on fresh sequences."""
    length = subject.task.held_out().longest if options.length is None else options.length
    return trace_length(subject.model, subject.task, length, sequences=sequences, seed=options.seed)
