"""From a folder to a machine that is ready to run, and the task that it learned. Executes nothing that it finds."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from neuraltape.explorer.draft import free_channels, known
from neuraltape.nn import NTM
from neuraltape.nn.pretrained import CONFIG
from neuraltape.runs.directory import RunDirectory
from neuraltape.tasks import TASKS
from neuraltape.tasks.task import Task


class MachineError(ValueError):
    """A machine that is not there, or cannot be shown; the message is for the reader of the page."""


class Machine(NamedTuple):
    """A machine that is ready to run."""

    id: str
    name: str
    ntm: NTM
    task: Task | None


def load_machine(identifier: str, name: str, folder: Path, model: Path) -> Machine:
    """Load it.

    Args:
        identifier, name: what it is called.
        folder: the run's, or the machine's own: where `config.yaml` may say what it learned.
        model: where its weights are.

    Raises:
        MachineError: it is broken, or no NTM.
    """
    try:
        config = json.loads((model / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise MachineError("its config.json cannot be read") from None
    if not isinstance(config, dict) or "memory_slots" not in config:
        raise MachineError("it has no memory to look into")
    if "usage_decay" in config:
        raise MachineError("only an NTM can be looked into, and it is a MANN")
    try:
        ntm = NTM.from_pretrained(model)
    # A folder that somebody else wrote can be broken in any way.
    except Exception as error:
        reason = " ".join(str(error).split()).replace(str(folder), name)
        raise MachineError(f"its files are broken: {reason[:200]}") from None
    return Machine(identifier, name, ntm, _task(folder, name, ntm))


def _task(folder: Path, name: str, ntm: NTM) -> Task | None:
    """The task that it was trained on, if it is one that can be drawn and fits the machine."""
    values: dict[str, Any] = {"task": name}
    config = RunDirectory(folder).config
    if config.is_file():
        try:
            values = yaml.safe_load(config.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            raise MachineError("its config.yaml cannot be read") from None
    task_name = values.get("task") if isinstance(values, dict) else None
    if not known(task_name):
        return None
    kind = TASKS[str(task_name)]
    try:
        task = kind(**{each.name: values[each.name] for each in fields(kind) if each.name in values})  # pyright: ignore
    except (ValueError, TypeError) as error:
        raise MachineError(f"its config.yaml makes no task: {str(error)[:200]}") from None
    fits = task.input_size == ntm.input_size and task.output_size == ntm.output_size
    return task if fits else None


def describe_machine(machine: Machine) -> dict[str, Any]:
    """What the page needs to know about a machine that can be shown."""
    ntm, task = machine.ntm, machine.task
    return {
        "task": None if task is None else task.name,
        "lengths": None if task is None else [task.shortest, task.longest],
        "least": None if task is None else task.least,  # pyright: ignore[reportAttributeAccessIssue]
        "free": ntm.input_size if task is None else free_channels(task),
        "item": getattr(task, "item_vectors", 1),
        "sizes": {
            "input": ntm.input_size,
            "output": ntm.output_size,
            "hidden": ntm.hidden_size,
            "slots": ntm.memory_slots,
            "width": ntm.layout.width,
            "read_heads": ntm.layout.read_heads,
            "write_heads": ntm.layout.write_heads,
        },
        "parameters": sum(each.numel() for each in ntm.parameters()),
    }
