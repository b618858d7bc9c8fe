"""From a folder to a machine that is ready to run, and the task that it learned. Executes nothing that it finds."""

import json
from copy import deepcopy
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, NamedTuple

from safetensors.torch import load_file

from neuraltape.data.places import cache_folder
from neuraltape.evaluation.answerer import Answerer
from neuraltape.explorer.journey import about_journeys
from neuraltape.explorer.story import examples
from neuraltape.nn import kind_of, load_machine
from neuraltape.nn.pretrained import CONFIG
from neuraltape.runs.directory import RunDirectory
from neuraltape.settings.settings import read_flat
from neuraltape.tasks import TASKS, DataError, Drawing
from neuraltape.tasks.task import Task
from neuraltape.tasks.vocabulary import FILE as VOCABULARY

# A few files of a task's data that lie beside a packaged machine, for whoever has not got it.
SAMPLE = "sample.zip"


class MachineError(ValueError):
    """A machine that is not there, or cannot be shown; the message is for the reader of the page."""


class Machine(NamedTuple):
    """A machine that is ready to run."""

    id: str
    name: str
    model: Any
    """Whatever can be traced."""
    task: Task | None
    """What it learned, if that is known and fits it."""
    answerer: Answerer | None
    """The model with its vocabulary, if it answers questions about stories."""
    config: dict[str, Any]
    """What its config.json holds: a page that knows all of it runs the machine by itself."""

    @property
    def length(self) -> int:
        """A length to begin with, inside what was trained."""
        task = self.task
        if task is None or task.drawing is None:
            return 12
        return max(task.shortest, min(task.drawing.start, task.longest))

    @property
    def form(self) -> Literal["vectors", "episode", "story"]:
        """What the page gives it: vectors that a user draws, sequences that the task draws, or a story."""
        if self.answerer is not None:
            return "story"
        return "vectors" if self.task is None or self.task.drawing is not None else "episode"


def load(identifier: str, name: str, folder: Path, model: Path, data_dir: str | None = None) -> Machine:
    """Load it.

    Args:
        identifier, name: what it is called.
        folder: the run's, or the machine's own: where `config.yaml` may say what it learned.
        model: where its weights are.
        data_dir: where the data of its task is; None: where its settings say, or where downloads are kept, or a few of
            them beside the machine.

    Raises:
        MachineError: it is broken, or cannot be traced.
    """
    try:
        # A vocabulary beside the weights: words go in.
        answerer = Answerer.load(model) if (model / VOCABULARY).is_file() else None
        found = load_machine(model) if answerer is None else answerer.network
        kind = kind_of(found)
        config = json.loads((model / CONFIG).read_text(encoding="utf-8"))
    # A folder that somebody else wrote can be broken in any way.
    except Exception as error:
        reason = " ".join(str(error).split()).replace(str(folder), name)
        raise MachineError(f"its files are broken: {reason[:200]}") from None
    if not kind.traceable:
        raise MachineError(f"it is a machine of the kind {kind.name}, which has no memory to look into")
    if answerer is None and "input_size" not in kind.sizes:
        raise MachineError(f"it takes words and has no {VOCABULARY}")
    task = None if answerer else _task(folder, name, found, data_dir)
    return Machine(identifier, name, found, task, answerer, config)


def with_weights(machine: Machine, path: Path) -> Machine:
    """The same machine with other weights. Raises MachineError where the file holds none of it."""
    model = deepcopy(machine.model)
    try:
        model.load_state_dict(load_file(path))
    # A file that somebody else wrote can be broken in any way.
    except Exception as error:
        raise MachineError(f"{path.name} is broken: {' '.join(str(error).split())[:200]}") from None
    return machine._replace(model=model)


def _task(folder: Path, name: str, model: Any, data_dir: str | None) -> Task | None:
    """The task that it was trained on, if that fits the machine."""
    values: dict[str, Any] = {"task": name}
    config = RunDirectory(folder).config
    if config.is_file():
        try:
            values = read_flat(config)
        except (OSError, ValueError):
            raise MachineError("its config.yaml cannot be read") from None
    task_name = values.get("task") if isinstance(values, dict) else None
    if not isinstance(task_name, str) or task_name not in TASKS:
        return None
    kind = TASKS[task_name]
    names = {each.name for each in fields(kind)}  # pyright: ignore[reportArgumentType]
    options = {name: values[name] for name in names if name in values}
    if "data_dir" in names:
        named = data_dir or options.get("data_dir")
        if named is None and (folder / SAMPLE).is_file() and not cache_folder(task_name).exists():
            named = str(folder / SAMPLE)
        options["data_dir"] = named
    try:
        task = kind(**options)
        fits = task.input_size == model.input_size and task.output_size == model.output_size
    except DataError as error:
        raise MachineError(f"the data of its task cannot be read: {error}") from None
    except (ValueError, TypeError) as error:
        raise MachineError(f"its config.yaml makes no task: {str(error)[:200]}") from None
    return task if fits else None


def describe(machine: Machine) -> dict[str, Any]:
    """What the page needs to know about a machine that can be shown."""
    model, task = machine.model, machine.task
    about: dict[str, Any] = about_task(task) | {"form": machine.form}
    about["parameters"] = sum(each.numel() for each in model.parameters())
    if machine.answerer is not None:
        return about | {"sizes": None, "examples": examples(machine.answerer.vocabulary)}
    return about | {
        "lengths": None if task is None else [task.shortest, task.longest],
        "least": 1 if task is None else task.least,
        "most": None if task is None else task.most,
        "drawing": _drawing(machine),
        "slots": model.memory_slots,
        "resizable": _resizes(model),
        "config": machine.config,
        "options": _options(task),
        "names": channel_names(machine),
        "journeys": about_journeys(task),
        "sizes": {"input": model.input_size, "output": model.output_size},
    }


def resized(model: Any, slots: int | None) -> Any:
    """The model with so many slots; None: as it is.

    Raises:
        ValueError: it fits no other number.
    """
    if slots is None or slots == model.memory_slots:
        return model
    if not hasattr(model, "resized"):
        raise ValueError(f"slots can't be {slots}: this machine runs with its {model.memory_slots} slots only")
    return model.resized(slots)


def _resizes(model: Any) -> bool:
    try:
        resized(model, model.memory_slots + 1)
    except ValueError:
        return False
    return True


def about_task(task: Task | None) -> dict[str, Any]:
    """What the page calls a task, and the task's own words in English."""
    return {"task": None if task is None else task.name, "words": {} if task is None else task.page_words}


def channel_names(machine: Machine) -> dict[str, list[str]]:
    """What the channels of its inputs and outputs are called: by numbers where no task is known."""
    task, model = machine.task, machine.model
    if task is None:
        return {
            name: [str(i + 1) for i in range(getattr(model, f"{name[:-1]}_size"))] for name in ("inputs", "outputs")
        }
    return {"inputs": list(task.input_names), "outputs": list(task.output_names)}


def _options(task: Task | None) -> dict[str, Any]:
    """The options of a task whose sequences are drawn by hand, which say how they lie over time."""
    if task is None or task.drawing is None:
        return {}
    return {each.name: getattr(task, each.name) for each in fields(task)}  # pyright: ignore[reportArgumentType]


def _drawing(machine: Machine) -> dict[str, Any] | None:
    """What is free in a machine's sequences. Where no task is known the vectors are the whole input."""
    task = machine.task
    drawing = Drawing(machine.model.input_size) if task is None else task.drawing
    if drawing is None:
        return None
    columns = {name: list(bounds) for name, bounds in drawing.columns.items()}
    return {
        "width": drawing.width,
        "item": drawing.item,
        "columns": columns,
        "start": machine.length,
        "grows": drawing.grows,
    }
