"""What a training writes into its run directory, and when: reports, checkpoints, the model.

One process writes; in the others this does nothing.
"""

import json
import math
import shutil
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

from safetensors.torch import save

from neuraltape.files import naming, write_atomically
from neuraltape.nn import SequenceModel
from neuraltape.nn.pretrained import CONFIG, WEIGHTS
from neuraltape.runs.checkpoint import Checkpoint, save_checkpoint
from neuraltape.runs.directory import RunDirectory
from neuraltape.runs.metrics import Kind, MetricsFile
from neuraltape.tasks.batch import Batch
from neuraltape.training.counters import Counters
from neuraltape.training.evaluate import Evaluation
from neuraltape.training.learner import Learner


class Reports:
    """The open files. Only one process has one.

    Args:
        directory: the run's.
        step: lines of later steps, which a killed run may have left, are dropped.
        sequences: those of that step; TensorBoard drops what stands beyond them.
        tensorboard: whether to write for TensorBoard too.

    Raises:
        ValueError: TensorBoard is wanted and not installed.
    """

    def __init__(self, directory: RunDirectory, step: int, sequences: int, *, tensorboard: bool) -> None:
        self._directory, self._board = directory, None
        if tensorboard:
            self._board = tensorboard_writer()(str(directory.board), purge_step=sequences + 1)
        self.file = MetricsFile(directory.metrics, step)

    def training(self, counters: Counters, bits: float, *, learning_rate: float, fraction: float) -> None:
        """One line about the steps since the last one. `bits`: their cost, in the unit of the task's score."""
        values = {
            "bits": bits,
            "loss": counters.window_nats / max(counters.window_targets, 1),
            "gradient_norm": counters.window_norm / counters.window_steps,
            "learning_rate": learning_rate,
            "fraction": fraction,
        }
        times = {
            "seconds": round(counters.seconds, 3),
            "sequences_per_second": round(counters.window_sequences / max(counters.window_seconds, 1e-9), 1),
        }
        self._write("training", counters, values, times)

    def evaluation(self, kind: Kind, counters: Counters, result: Evaluation, *, sequences: int) -> None:
        """One line about an evaluation ("evaluation") or the confirmation of a good one ("confirmation")."""
        values = {name: each for name, each in result._asdict().items() if each is not None}
        if result.excess is not None:
            values["excess"] = result.excess
        values["evaluated"] = sequences
        self._write(kind, counters, values, {"seconds": round(counters.seconds, 3)})

    def restart(self, counters: Counters) -> None:
        """One line that says that the weights are new from here on."""
        self._write("restart", counters, {"restarts": counters.restarts}, {"seconds": round(counters.seconds, 3)})

    def rewind(self, counters: Counters) -> None:
        """One line that says that the weights are again those of the best evaluation."""
        self._write("rewind", counters, {"rewinds": counters.rewinds}, {"seconds": round(counters.seconds, 3)})

    def close(self) -> None:
        """Close the files."""
        self.file.close()
        if self._board is not None:
            with naming(self._directory.board):
                self._board.close()

    def _write(self, kind: Kind, counters: Counters, values: dict[str, Any], times: dict[str, float]) -> None:
        self._directory.check_kept()
        place = {"kind": kind, "step": counters.step, "sequences": counters.sequences}
        # JSON has no NaN.
        finite = {name: each if math.isfinite(each) else None for name, each in values.items()}
        self.file.append({**place, **finite, **times})
        if self._board is not None:
            with naming(self._directory.board):
                for name, each in {**values, **times}.items():
                    self._board.add_scalar(f"{kind}/{name}", each, counters.sequences)


def tensorboard_writer() -> Any:
    """TensorBoard's class that writes. Raises ValueError where it isn't installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ValueError('tensorboard is not installed; get it with: pip install "neuraltape[tensorboard]"') from error
    return SummaryWriter


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
        # The first one comes after the first step: a run that has got further has had one.
        self._next = 0.0 if step is None else time.monotonic() + every

    @property
    def path(self) -> Path:
        """The run directory's."""
        return self.directory.path

    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return self.reports is not None and time.monotonic() >= self._next

    def keep(self, checkpoint: Checkpoint, learner: Learner | None) -> None:
        """Write the checkpoint, then the learner's model; None: the model that is there stays."""
        if self.reports is None:
            return
        self.directory.check_kept()
        # A checkpoint promises that the lines up to its step are there.
        self.reports.file.sync()
        save_checkpoint(self.directory.checkpoint, checkpoint, before=self.directory.before)
        self.step = checkpoint.values["counters"]["step"]
        if learner is not None:
            self.keep_model(learner)
        self._next = time.monotonic() + self.every

    def keep_model(self, learner: Learner) -> None:
        """Write the model as it is now, or the average of its weights."""
        if self.reports is None:
            return
        self.directory.check_kept()
        with learner.average.applied():
            # A copy has tensors of its own again; safetensors refuses views of a common vector.
            model = deepcopy(learner.model)
        self._keep_model(model)

    def keep_snapshot(self, learner: Learner, sequences: int) -> None:
        """Write the weights as they are after so many sequences, beside those of other moments."""
        if self.reports is None:
            return
        self.directory.check_kept()
        self.directory.snapshot_folder.mkdir(exist_ok=True)
        with learner.average.applied():
            tensors = {name: each.detach().clone() for name, each in learner.model.state_dict().items()}
        write_atomically(self.directory.snapshot(sequences), save(tensors))

    def keep_bad_batch(self, batch: Batch, *, step: int, tensor: str) -> str:
        """Keep the batch that gave a number that is not finite; returns what to say about it."""
        if self.reports is not None:
            self.directory.check_kept()
            tensors = {name: each.contiguous() for name, each in batch._asdict().items()}
            header = {"neuraltape": json.dumps({"step": step, "tensor": tensor})}
            write_atomically(self.directory.nonfinite, save(tensors, header))
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
        try:
            model.save_pretrained(beside)
            for name in (CONFIG, WEIGHTS):
                target = self.directory.model / name
                if name == WEIGHTS or not target.exists():
                    write_atomically(target, (beside / name).read_bytes())
        finally:
            shutil.rmtree(beside, ignore_errors=True)
