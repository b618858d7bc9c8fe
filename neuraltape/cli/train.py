"""`neuraltape train`: every setting is a flag; a recipe or a file gives what no flag says."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from neuraltape.cli.errors import UsageError, close_matches
from neuraltape.cli.output import first_process, say, say_wrote
from neuraltape.cli.parser import Parser, add_fields, with_dashes, with_underscores
from neuraltape.cli.recipes import recipe_of
from neuraltape.cli.rows import describe, say_scores
from neuraltape.cli.subject import RUNS, TASK_NAMES
from neuraltape.settings import Settings
from neuraltape.settings.choice import DEFAULTS, SECTIONS, TRAINABLE, Choice
from neuraltape.settings.fields import CONTENTS
from neuraltape.settings.optimizer import CLIPPING, OPTIMIZERS
from neuraltape.settings.settings import read_flat, with_changes
from neuraltape.tasks import TASKS
from neuraltape.tasks.own_data import OwnData
from neuraltape.tasks.sequences import Sequences
from neuraltape.tasks.text import SUFFIX, Text
from neuraltape.training import TrainResult, train

TITLES = {
    "task": "the task",
    "model": "the machine",
    "optimizer": "the optimiser",
    "practice": "what training varies",
    "cooldown": "the cool-down",
    "loop": "how long, on what and where",
}
DESCRIPTION = (
    "Train a machine. What no option says comes from --config, or else from the task's recipe, or else has the default "
    f"shown here. TASK is one of {', '.join(TASK_NAMES)}; --data FILE instead trains on your own sequences. "
)

# Disks take 255, of which the names of logs and results add some.
LONGEST_NAME = 200


@dataclass(frozen=True)
class Source:
    """What the arguments say before their options are known: task, machine and optimiser decide which there are."""

    task: str | None
    config: Path | None
    data: str | None
    model: str
    """The machine's name."""
    optimizer: str
    """The optimiser's."""
    rest: list[str]
    """The arguments without TASK."""

    @property
    def choice(self) -> Choice:
        """What the options depend on. Before a task is known, another one stands for it."""
        return Choice.of({"task": self.task or TASK_NAMES[0], "model": self.model, "optimizer": self.optimizer})


def run(argv: Sequence[str]) -> None:
    """Train."""
    source = first_look(argv)
    asks_help = any(word in ("-h", "--help") for word in source.rest)
    if source.task is None and not asks_help:
        raise UsageError(f"TASK is missing: it comes first and is one of {', '.join(TASK_NAMES)}; or give --data FILE")
    parser = make_parser(source)
    options = parser.parse(source.rest)
    assert source.task is not None
    chosen = {"task": source.task, "model": source.model, "optimizer": source.optimizer}
    names = (name for name in source.choice.names() if name not in (*chosen, CONTENTS))
    settings = make_settings({**chosen, **{name: options[name] for name in names}})
    run_dir = run_dir_of(options.run_dir, options.name, source.task, overwrite=options.overwrite)
    if source.config is not None:
        say(f"using {source.config}")
    asked = None
    if getattr(settings.task, "kind", "auto") != "auto":
        asked = "--kind" if source.config is None or option_of(source.rest, "--kind") else str(source.config)
    try:
        settings = settings.resolved()
    except ValueError as error:
        raise UsageError(_by_option(error, source.choice.names())) from error
    if isinstance(settings.task, OwnData):
        for line in describe(settings, asked=asked):
            say(line)
    say(f"training in {run_dir}")
    result = train(settings, run_dir=run_dir, overwrite=options.overwrite, progress=first_process())
    say_result(result, settings.task.score_name)
    if isinstance(settings.task, OwnData) and first_process():
        say_scores(result.path, settings.task)


def make_settings(values: Mapping[str, Any]) -> Settings:
    """The settings; where a value can't be, UsageError names the option."""
    try:
        return Settings.from_flat(values)
    except ValueError as error:
        raise UsageError(_by_option(error, values)) from error


def _by_option(error: ValueError, names: Iterable[str]) -> str:
    """An error about a setting as one about its option."""
    field, space, rest = str(error).partition(" ")
    return f"{with_dashes(f'--{field}') if field in names else field}{space}{rest}"


def say_result(result: TrainResult, score_name: str) -> None:
    """How a training ended and what to do next."""
    how = "solved" if result.solved else "ended"
    best = "" if result.optimum is None else f" (best possible {result.optimum:.4g})"
    say(
        f"{how} after {result.sequences:,} sequences in {result.seconds:,.0f} s: {result.bits:.4g} {score_name}{best}, "
        f"{result.wrong:.3g} wrong"
    )
    if result.best is not None:
        say(f"best after {result.best_at:,} sequences: {result.best:.4g} {score_name} on the rows kept for validation")
    say_wrote([result.path])
    say(f"next: neuraltape evaluate {result.path}; neuraltape plot {result.path}")


def first_look(argv: Sequence[str]) -> Source:
    """Find the task, the machine and the optimiser, and the file that holds the settings.

    Raises:
        UsageError: an unknown task, two that contradict each other, or an option of another machine or optimiser.
    """
    rest = list(argv)
    task = rest.pop(0) if rest and not rest[0].startswith("-") else None
    if task is not None and task not in TASKS:
        hint = close_matches(task, TASK_NAMES)
        raise UsageError(f"TASK must be one of {', '.join(TASK_NAMES)}; got {task!r}{hint}")
    data, config = option_of(rest, "--data"), option_of(rest, "--config")
    if data is not None:
        own = Text.name if Path(data).suffix == SUFFIX else Sequences.name
        if task not in (None, own):
            raise UsageError(f"give TASK or --data, not both; got {task} and --data {data}")
        task = own
    if config is not None:
        path = Path(config)
        if not path.is_file():
            raise UsageError(f"--config must be a YAML file; {config} is not a file")
        named = read_flat(path).get("task", task)
        if task not in (None, named):
            raise UsageError(f"--config {config} is for the task {named}; got {task}")
        task = named
    else:
        path = None if task is None else recipe_of(task)
    values = {} if path is None else read_flat(path)
    model, optimizer = (
        option_of(rest, f"--{name}") or values.get(name, default)
        for name, default in (("model", DEFAULTS["model"]), ("optimizer", DEFAULTS["optimizer"]))
    )
    source = Source(task, path, data, model, optimizer, rest)
    check_options(source)
    return source


def check_options(source: Source) -> None:
    """Raise UsageError for an unknown machine or optimiser, and for the first option that belongs to another one."""
    for option, name, choices in (("--model", source.model, TRAINABLE), ("--optimizer", source.optimizer, OPTIMIZERS)):
        if name not in choices:
            raise UsageError(
                f"{option} must be one of {', '.join(choices)}; got {name!r}{close_matches(name, choices)}"
            )
    given = [with_underscores(word).partition("=")[0][2:] for word in source.rest if word.startswith("--")]
    try:
        source.choice.check(given, unknown=False)
    except ValueError as error:
        raise UsageError(_by_option(error, given)) from error


def option_of(words: Sequence[str], option: str) -> str | None:
    """The value of an option in arguments that are not parsed yet: `--x value` or `--x=value`; the last one counts."""
    found = None
    for number, word in enumerate(words):
        if word.startswith(f"{option}="):
            found = word.partition("=")[2]
        elif word == option and number + 1 < len(words):
            found = words[number + 1]
    return found


def make_parser(source: Source) -> Parser:
    """The options of a task, with what its file says as defaults."""
    example = "" if source.task else "neuraltape train TASK --help shows the options of a task too."
    parser = Parser(f"neuraltape train {source.task or 'TASK'} [options]", DESCRIPTION + example)
    parser.add_argument("--config", type=str, default=None, help="a YAML file of options, such as a run's config.yaml")
    parser.add_argument("--name", type=str, default=None, help=f"name of the run: {RUNS}/NAME; that of the task")
    parser.add_argument("--run_dir", type=str, default=None, help="the run's folder, instead of --name")
    parser.add_argument("--overwrite", action="store_true", help="replace a run that is there already")
    if source.task is None:
        own = "your own: an .npz, .npy, .jsonl, .csv, .parquet or .txt file"
        parser.add_argument("--data", type=str, default=None, help=own)
    choice = source.choice
    for section in SECTIONS:
        if section.name == "task" and source.task is None:
            continue
        group = parser.add_argument_group(TITLES[section.name])
        if section.name in ("model", "optimizer"):
            names = tuple(TRAINABLE if section.name == "model" else OPTIMIZERS)
            others = f"which one; each has options of its own, which --{section.name} NAME --help shows"
            group.add_argument(f"--{section.name}", type=Literal[names], default=DEFAULTS[section.name], help=others)
        part = choice.parts()[section.name]
        shown = [name for each, name in choice.fields() if each is section and name != CONTENTS]
        add_fields(group, part, {name: section.flat_name(name) for name in shown})
    if source.config is not None:
        parser.set_defaults(defaults_from(source))
    return parser


def defaults_from(source: Source) -> dict[str, Any]:
    """The values in a file of settings, checked. Raises UsageError that names the file."""
    assert source.config is not None
    changes: dict[str, Any] = {"model": source.model, "optimizer": source.optimizer}
    if source.data is not None:
        changes["data"] = source.data
    base, decided = {"task": source.task, **read_flat(source.config)}, _deciding(source.rest)
    # What the command line decides is for the parser to check.
    values = {name: value for name, value in with_changes(base, changes | decided).items() if name not in decided}
    # A recipe for users' own data names no file: that is what the command line has to say.
    unnamed = {"data"} & set(source.choice.names()) - set(values)
    try:
        flat = Settings.from_flat({**dict.fromkeys(unnamed, ""), **values}).flat()
    except ValueError as error:
        raise UsageError(f"{source.config}: {error}") from error
    # A new training looks anew at what its files hold.
    return {name: value for name, value in flat.items() if name not in ("task", CONTENTS, *unnamed)}


def _deciding(words: Sequence[str]) -> dict[str, Any]:
    """Options that decide which values of a file still act. What is none of theirs the parser refuses."""
    words, found = [with_underscores(word) for word in words], dict[str, Any]()
    if (clip := option_of(words, "--clip")) in CLIPPING:
        found["clip"] = clip
    # A list of numbers: [0,1], or 0 1.
    offsets = re.findall(r"(?:^| )--shift_offsets[= ]([-0-9,\[\] ]*)(?= --|$)", " ".join(words))
    if offsets:
        found["shift_offsets"] = [int(number) for number in re.findall(r"-?[0-9]+", offsets[-1])]
    return found


def run_dir_of(run_dir: str | None, name: str | None, task: str, *, overwrite: bool) -> Path:
    """Where the run goes: what the user says, or runs/TASK, or the first of runs/TASK-2, -3, ... that is free."""
    if run_dir is not None:
        if name is not None:
            raise UsageError(f"give --name or --run-dir, not both; got {name} and {run_dir}")
        return Path(run_dir)
    if name is not None:
        if not name or Path(name).name != name or name in (".", ".."):
            raise UsageError(f"--name must be a plain name, not a path (for one use --run-dir); got {name!r}")
        if len(name.encode(errors="replace")) > LONGEST_NAME:
            raise UsageError(f"--name must have at most {LONGEST_NAME} bytes; got {len(name.encode(errors='replace'))}")
        return RUNS / name
    # Processes that torchrun starts, or starts again, must all come to the same folder.
    if overwrite or "TORCHELASTIC_RUN_ID" in os.environ:
        return RUNS / task
    number = 1
    while (path := RUNS / (task if number == 1 else f"{task}-{number}")).exists():
        number += 1
    return path
