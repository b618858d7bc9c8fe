"""The folder that holds everything about one training and nothing else: what is where, and whose it is."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from neuraltape.nn.pretrained import WEIGHTS

CONFIG, METRICS, MODEL, FIGURES, BOARD = "config.yaml", "metrics.jsonl", "model", "figures", "tensorboard"
CHECKPOINT, STATE, BEFORE = "checkpoint", "state.safetensors", "before.safetensors"
NONFINITE = "nonfinite.safetensors"
SNAPSHOTS = "snapshots"
LOCK, TORCHRUN, NEW_MODEL = ".lock", ".torchrun", ".model.new"

# All that a run puts into its folder; nothing else is ever removed. The configuration goes last: as long as it is
# there, a clearing that was cut short can be repeated.
ENTRIES = (METRICS, CHECKPOINT, MODEL, SNAPSHOTS, FIGURES, BOARD, NONFINITE, CONFIG)


class RunExistsError(ValueError):
    """The run directory is in use, or holds another run."""


class RunDirectory:
    """The places in a run's folder, and the lock that keeps it to one training at a time.

    Args:
        path: the folder. It need not exist.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.config = self.path / CONFIG
        self.metrics = self.path / METRICS
        self.checkpoint = self.path / CHECKPOINT / STATE
        # The checkpoint before that one.
        self.before = self.path / CHECKPOINT / BEFORE
        self.model = self.path / MODEL
        # The model while it is being written.
        self.new_model = self.path / NEW_MODEL
        # What it had learnt after so many sequences, see `snapshots`.
        self.snapshot_folder = self.path / SNAPSHOTS
        self.figures = self.path / FIGURES
        self.board = self.path / BOARD
        self.torchrun = self.path / TORCHRUN
        self.nonfinite = self.path / NONFINITE
        self._lock: FileLock | None = None
        # Which file the lock is on: another one may come to bear its name.
        self._locked: tuple[int, int] | None = None

    def holds_run(self) -> bool:
        """Whether a run has been started here."""
        return self.config.is_file()

    def has_model(self) -> bool:
        """Whether the run has kept a model yet, which it does with its first checkpoint."""
        return (self.model / WEIGHTS).is_file()

    def snapshot(self, sequences: int) -> Path:
        """Where the weights after so many sequences are kept, if they are."""
        return self.snapshot_folder / f"{sequences}.safetensors"

    def snapshots(self) -> dict[int, Path]:
        """The weights that were kept on the way, by the sequences after which they were, in order."""
        found = self.snapshot_folder.glob("*.safetensors") if self.snapshot_folder.is_dir() else ()
        return dict(sorted((int(path.stem), path) for path in found if path.stem.isdecimal()))

    def create(self, *, overwrite: bool) -> None:
        """Make the folder for a new run, and lock it.

        Args:
            overwrite: remove a run that the folder holds.

        Raises:
            RunExistsError: a training is using it; or it holds a run and `overwrite` is False; or it holds files that
                no run made.
        """
        if self.path.exists() and not self.path.is_dir():
            raise RunExistsError(f"{self.path} is a file, not a folder for a run")
        self._check_ours()
        self.path.mkdir(parents=True, exist_ok=True)
        self.lock()
        try:
            self._clear(overwrite)
        except RunExistsError:
            self.release()
            raise

    def lock(self) -> None:
        """Take the folder for this process. The system gives it back when the process ends, however it ends.

        Raises:
            RunExistsError: another training has it.
        """
        # Not of one thread: another one may give it back.
        lock = FileLock(self.path / LOCK, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise RunExistsError(f"{self.path} is in use by another training") from error
        self._lock, self._locked = lock, _identity(self.path / LOCK)

    def check_kept(self) -> None:
        """Raise FileNotFoundError where the folder that this process has taken is gone, or another training's by now.

        To write then would make a folder without a configuration, or a run of two trainings.
        """
        mine = self._locked is None or _identity(self.path / LOCK) in (None, self._locked)
        if not (mine and self.holds_run()):
            raise FileNotFoundError(
                f"{self.path} was removed while this training ran; it stops, and writes nothing there any more"
            )

    def release(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            self._lock.release()
            self._lock = self._locked = None

    def _check_ours(self) -> bool:
        """Whether the folder holds a run. Raises RunExistsError where it holds something else, before a lock does."""
        # Hidden: the lock, and files that a killed run was about to put in place.
        found = self.path.iterdir() if self.path.is_dir() else ()
        present = [entry.name for entry in found if not entry.name.startswith(".")]
        if present and not self.holds_run():
            raise RunExistsError(f"{self.path} holds files that are not a run's ({min(present)}); name another")
        return bool(present)

    def _clear(self, overwrite: bool) -> None:
        if not self._check_ours():
            return
        if not overwrite:
            raise RunExistsError(
                f"{self.path} holds a run already; go on with it (neuraltape resume {self.path}), name another folder, "
                "or overwrite it"
            )
        for name in ENTRIES:
            entry = self.path / name
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif os.path.lexists(entry):
                entry.unlink()


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one that bears its name later; None: there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def runs_in(folder: Path) -> Iterator[RunDirectory]:
    """The run directories directly in a folder, by name; none where it is no folder."""
    if folder.is_dir():
        found = (RunDirectory(path) for path in sorted(folder.iterdir()))
        yield from (directory for directory in found if directory.holds_run())
