"""What a training keeps in its run directory, and when. One process writes; in the others this does nothing."""

import shutil
import time
from copy import deepcopy
from pathlib import Path

from neuraltape.nn import SequenceModel
from neuraltape.nn.pretrained import CONFIG, WEIGHTS
from neuraltape.runs.checkpoint import Checkpoint, save_checkpoint
from neuraltape.runs.directory import RunDirectory
from neuraltape.runs.files import write_atomically
from neuraltape.tasks.batch import Batch
from neuraltape.training.guard import save_batch
from neuraltape.training.learner import Learner
from neuraltape.training.reports import Reports


class Keeper:
    """Checkpoints, the model for viewers, the lines of metrics.

    Args:
        directory: the run's.
        every: seconds between two checkpoints.
        reports: the metrics; None in a process that writes nothing.
        step: of the checkpoint that there is; None: there is none yet.
    """

    def __init__(self, directory: RunDirectory, every: float, *, reports: Reports | None, step: int | None) -> None:
        self.directory, self.every, self.reports, self.step = directory, every, reports, step
        self._next = time.monotonic() + every

    @property
    def path(self) -> Path:
        """The run directory's."""
        return self.directory.path

    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return self.reports is not None and time.monotonic() >= self._next

    def keep(self, checkpoint: Checkpoint, learner: Learner) -> None:
        """Write the checkpoint, then the model."""
        if self.reports is None:
            return
        # A checkpoint promises that the lines up to its step are there.
        self.reports.file.sync()
        save_checkpoint(self.directory.checkpoint, checkpoint)
        self.step = checkpoint.values["counters"]["step"]
        with learner.average.applied():
            # A copy has tensors of its own again; safetensors refuses views of a common vector.
            model = deepcopy(learner.model)
        self._keep_model(model)
        self._next = time.monotonic() + self.every

    def keep_bad_batch(self, batch: Batch, *, step: int, tensor: str) -> str:
        """Keep the batch that gave a number that is not finite; returns what to say about it."""
        if self.reports is not None:
            save_batch(self.directory.nonfinite, batch, step=step, tensor=tensor)
        return f"the batch is in {self.directory.nonfinite}"

    def last_good(self) -> str:
        """What to say about the checkpoint that there is."""
        if self.step is None:
            return "there is no checkpoint yet"
        return f"the last good checkpoint is that of step {self.step}"

    def _keep_model(self, model: SequenceModel) -> None:
        # What `from_pretrained` reads is two files; only the weights change, and each file is replaced whole.
        beside = self.directory.new_model
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        # A card is for a model that is shared; where one is there already, none is made up.
        (beside / "README.md").touch()
        model.save_pretrained(beside)
        for name in (CONFIG, WEIGHTS):
            target = self.directory.model / name
            if name == WEIGHTS or not target.exists():
                write_atomically(target, (beside / name).read_bytes())
        shutil.rmtree(beside)
