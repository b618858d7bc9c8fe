"""The machines that the page may show: those given, and nothing else on the disk. Knows no web.

A machine is asked for by an identifier that is looked up in a list; it never becomes part of a path.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from neuraltape.explorer.loading import Machine, MachineError, describe, load, with_weights
from neuraltape.explorer.progress import Progress, progress
from neuraltape.nn.pretrained import WEIGHTS
from neuraltape.runs.directory import RunDirectory, runs_in
from neuraltape.tasks.goal import Goal

# Loaded machines kept in memory, and checkpoints that were seen while the page follows a run: of one run, and in all.
KEPT, SNAPSHOTS, SNAPSHOTS_IN_ALL = 24, 12, 48
# The folder beside a saved machine that shows how one with its settings learns, laid out as a run's.
LEARNING = "learning"


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
    sizes: tuple[str, dict[str, Any]] = ("", {})
    """What was found out about the weights of a version, so that a listing loads nothing twice."""
    goal: Goal | None = None
    """What counts as solved, as soon as its task is known."""
    seen: tuple[object, Progress] = (None, Progress(None, None, []))
    """The progress, and the state of the file that it was read from, and the goal."""

    @property
    def model(self) -> Path:
        """Where its weights are."""
        return RunDirectory(self.folder).model if self.kind == "run" else self.folder

    @property
    def training(self) -> RunDirectory:
        """Where a training is told: its own; a packaged machine may show another one with its settings."""
        return RunDirectory(self.folder if self.kind == "run" else self.folder / LEARNING)

    def learnt(self) -> dict[int, Path]:
        """Its weights on the way, by the sequences after which it had them; none where none were kept."""
        return self.training.snapshots()

    def version(self) -> str:
        """Changes when the weights do. Raises MachineError if there are none."""
        try:
            status = (self.model / WEIGHTS).stat()
        except OSError:
            raise MachineError("no checkpoint yet" if self.kind == "run" else "its files are missing") from None
        return f"{status.st_mtime_ns:x}-{status.st_size:x}"

    def progress(self) -> Progress | None:
        """How the training goes, or went; None where nothing is known of it."""
        path = self.training.metrics
        try:
            status = path.stat()
            state = status.st_mtime_ns, status.st_size, self.goal
        except OSError:
            state = None
        if state != self.seen[0]:
            self.seen = state, progress(path, self.goal)
        if state is None and self.kind != "run":
            return None
        return self.seen[1] if state else Progress(None, None, [])


class Machines:
    """The list.

    Args:
        runs: run folders, or folders that hold run folders. The latter are looked through at every listing, as soon as
            they are there.
        models: saved machines by name.
        data_dir: where the tasks' data is; None: where each machine's settings say, or where downloads are kept.
    """

    def __init__(self, runs: Sequence[Path], models: Mapping[str, Path], data_dir: str | None = None) -> None:
        self._runs, self._lock, self._data_dir = [Path(run) for run in runs], threading.Lock(), data_dir
        self._entries = {
            f"model:{name}": Entry(f"model:{name}", name, "model", Path(folder)) for name, folder in models.items()
        }
        self._loaded: OrderedDict[tuple[str, str], Machine] = OrderedDict()
        self._followed: OrderedDict[str, Entry] = OrderedDict()

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
        """The machine with this identifier, or an earlier one.

        A checkpoint that was seen is called "id@version", what was kept after so many sequences "id#sequences".

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
            for sequences, path in each.learnt().items():
                if name == f"{each.id}#{sequences}":
                    return with_weights(self._load(each), path)
        raise MachineError(f"there is no machine {name[:80]!r} in the list")

    def describe(self, entry: Entry) -> dict[str, Any]:
        """What the page needs to know about a machine before it runs, with `problem` set if it cannot."""
        about: dict[str, Any] = {"id": entry.id, "name": entry.name, "kind": entry.kind, "problem": None}
        try:
            version = entry.version()
            if entry.sizes[0] != version:
                entry.sizes = version, self._sizes(entry)
            problem = None
        except MachineError as error:
            version, problem = "", str(error)
        state = entry.progress()
        about["progress"] = None if state is None else state._asdict()
        if problem is not None:
            return about | {"problem": problem}
        about["snapshots"] = [
            {"id": f"{entry.id}@{each.version}", "sequences": each.sequences} for each in entry.snapshots
        ]
        about["learning"] = [{"id": f"{entry.id}#{sequences}", "sequences": sequences} for sequences in entry.learnt()]
        return about | {"version": version} | entry.sizes[1]

    def _sizes(self, entry: Entry) -> dict[str, Any]:
        try:
            return describe(self._load(entry))
        except MachineError as error:
            return {"problem": str(error)}

    def _run_folders(self) -> Iterator[Path]:
        for root in self._runs:
            directory = RunDirectory(root)
            if directory.holds_run() or directory.model.is_dir():
                yield root
            elif root.is_dir():
                yield from (each.path for each in runs_in(root))

    def _load(self, entry: Entry) -> Machine:
        version = entry.version()
        key = entry.id, version
        with self._lock:
            if key in self._loaded:
                self._loaded.move_to_end(key)
                return self._loaded[key]
            machine = load(entry.id, entry.name, entry.folder, entry.model, self._data_dir)
            self._loaded[key] = machine
            entry.goal = None if machine.task is None else machine.task.goal
            while len(self._loaded) > KEPT:
                self._loaded.popitem(last=False)
            if entry.kind == "run":
                _remember(entry, version, machine)
                self._forget_others(entry)
            return machine

    def _forget_others(self, entry: Entry) -> None:
        """Let go of the snapshots of runs that nobody has looked at for longest, where there are too many in all."""
        self._followed[entry.id] = entry
        self._followed.move_to_end(entry.id)
        while sum(len(each.snapshots) for each in self._followed.values()) > SNAPSHOTS_IN_ALL:
            _, longest_ago = self._followed.popitem(last=False)
            longest_ago.snapshots.clear()


def _remember(entry: Entry, version: str, machine: Machine) -> None:
    state = entry.progress()
    sequences = None if state is None else state.sequences
    entry.snapshots.append(Snapshot(version, sequences, machine))
    if len(entry.snapshots) > SNAPSHOTS:
        # Every other one goes: what remains still reaches from the first to the newest.
        entry.snapshots[1:-1] = entry.snapshots[2:-1:2]
