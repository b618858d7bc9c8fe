"""The machines that the page may show: those given, and nothing else on the disk. Knows no web.

A machine is asked for by an identifier that is looked up in a list; it never becomes part of a path.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from neuraltape.explorer.draft import known
from neuraltape.explorer.progress import Progress, progress
from neuraltape.nn import NTM
from neuraltape.tasks import TASKS
from neuraltape.tasks.task import Task

# Loaded machines kept in memory, and checkpoints of one run that were seen while the page follows it.
KEPT, SNAPSHOTS = 24, 12


class MachineError(ValueError):
    """A machine that is not there, or cannot be shown; the message is for the reader of the page."""


class Machine(NamedTuple):
    """A machine that is ready to run."""

    id: str
    name: str
    ntm: NTM
    task: Task | None


class Snapshot(NamedTuple):
    """A checkpoint of a run, kept in memory since it was seen."""

    version: str
    sequences: int | None
    machine: Machine


@dataclass
class Entry:
    """One machine in the list."""

    id: str
    name: str
    kind: str
    """"model": comes with the package or was named; "run": a training's folder."""
    folder: Path
    snapshots: list[Snapshot] = field(default_factory=list)

    @property
    def model(self) -> Path:
        """Where its weights are."""
        return self.folder / "model" if self.kind == "run" else self.folder

    def version(self) -> str:
        """Changes when the weights do. Raises MachineError if there are none."""
        try:
            status = (self.model / "model.safetensors").stat()
        except OSError:
            raise MachineError("no checkpoint yet" if self.kind == "run" else "its files are missing") from None
        return f"{status.st_mtime_ns:x}-{status.st_size:x}"

    def progress(self) -> Progress | None:
        """How the training goes; None for a machine that is not a run."""
        return progress(self.folder / "metrics.jsonl") if self.kind == "run" else None


class Machines:
    """The list.

    Args:
        runs: run folders, or folders that hold run folders. The latter are looked through at every listing.
        models: saved machines by name.
    """

    def __init__(self, runs: Sequence[Path], models: Mapping[str, Path]) -> None:
        self._runs, self._lock = [Path(run) for run in runs], threading.Lock()
        self._entries = {
            f"model:{name}": Entry(f"model:{name}", name, "model", Path(folder)) for name, folder in models.items()
        }
        self._loaded: OrderedDict[tuple[str, str], Machine] = OrderedDict()

    def entries(self) -> list[Entry]:
        """All machines, those with a run folder that is new included."""
        with self._lock:
            for folder in self._run_folders():
                taken = {entry.folder: entry for entry in self._entries.values()}
                if folder in taken:
                    continue
                name, number = folder.name, 2
                while f"run:{name}" in self._entries:
                    name, number = f"{folder.name} ({number})", number + 1
                self._entries[f"run:{name}"] = Entry(f"run:{name}", name, "run", folder)
            return [each for each in self._entries.values() if each.folder.is_dir()]

    def get(self, name: str) -> Machine:
        """The machine with this identifier, or a snapshot of it ("id@version").

        Raises:
            MachineError: there is none, or it is broken.
        """
        entry = {each.id: each for each in self.entries()}.get(name)
        if entry is not None:
            return self._load(entry)
        for each in self.entries():
            for snapshot in each.snapshots:
                if name == f"{each.id}@{snapshot.version}":
                    return snapshot.machine
        raise MachineError(f"there is no machine {name[:80]!r} in the list")

    def describe(self, entry: Entry) -> dict[str, Any]:
        """What the page needs to know about a machine before it runs, with `problem` set if it cannot."""
        about: dict[str, Any] = {"id": entry.id, "name": entry.name, "kind": entry.kind, "problem": None}
        state = entry.progress()
        about["progress"] = None if state is None else state._asdict()
        try:
            machine = self._load(entry)
        except MachineError as error:
            return about | {"problem": str(error)}
        about["snapshots"] = [
            {"id": f"{entry.id}@{each.version}", "sequences": each.sequences} for each in entry.snapshots
        ]
        return about | {"version": entry.version()} | _sizes(machine)

    def _run_folders(self) -> Iterator[Path]:
        for root in self._runs:
            if (root / "config.yaml").is_file() or (root / "model").is_dir() or not root.is_dir():
                yield root
            else:
                yield from sorted(each for each in root.iterdir() if (each / "config.yaml").is_file())

    def _load(self, entry: Entry) -> Machine:
        version = entry.version()
        key = entry.id, version
        with self._lock:
            if key in self._loaded:
                self._loaded.move_to_end(key)
                return self._loaded[key]
            machine = _read(entry)
            self._loaded[key] = machine
            while len(self._loaded) > KEPT:
                self._loaded.popitem(last=False)
            if entry.kind == "run":
                _remember(entry, version, machine)
            return machine


def _remember(entry: Entry, version: str, machine: Machine) -> None:
    state = entry.progress()
    sequences = None if state is None else state.sequences
    entry.snapshots.append(Snapshot(version, sequences, machine))
    if len(entry.snapshots) > SNAPSHOTS:
        # Every other one goes: what remains still reaches from the first to the newest.
        entry.snapshots[1:-1] = entry.snapshots[2:-1:2]


def _read(entry: Entry) -> Machine:
    try:
        config = json.loads((entry.model / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise MachineError("its config.json cannot be read") from None
    if not isinstance(config, dict) or "memory_slots" not in config:
        raise MachineError("it has no memory to look into")
    try:
        ntm = NTM.from_pretrained(entry.model)
    # A folder that somebody else wrote can be broken in any way.
    except Exception as error:
        reason = " ".join(str(error).split()).replace(str(entry.folder), entry.name)
        raise MachineError(f"its files are broken: {reason[:200]}") from None
    return Machine(entry.id, entry.name, ntm, _task(entry, ntm))


def _task(entry: Entry, ntm: NTM) -> Task | None:
    """The task that it was trained on, if it is one that can be drawn and fits the machine."""
    values: dict[str, Any] = {"task": entry.name}
    config = entry.folder / "config.yaml"
    if config.is_file():
        try:
            values = yaml.safe_load(config.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            raise MachineError("its config.yaml cannot be read") from None
    name = values.get("task") if isinstance(values, dict) else None
    if not known(name):
        return None
    kind = TASKS[str(name)]
    try:
        task = kind(**{each.name: values[each.name] for each in fields(kind) if each.name in values})  # pyright: ignore
    except (ValueError, TypeError) as error:
        raise MachineError(f"its config.yaml makes no task: {str(error)[:200]}") from None
    fits = task.input_size == ntm.input_size and task.output_size == ntm.output_size
    return task if fits else None


def _sizes(machine: Machine) -> dict[str, Any]:
    ntm, task = machine.ntm, machine.task
    return {
        "task": None if task is None else task.name,
        "lengths": None if task is None else [task.shortest, task.longest],
        "least": None if task is None else task.least,  # pyright: ignore[reportAttributeAccessIssue]
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
