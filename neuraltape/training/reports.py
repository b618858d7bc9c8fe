"""What a training writes about itself: lines of metrics, and TensorBoard's files if they are wanted."""

import math
from typing import Any

from neuraltape.runs.directory import RunDirectory
from neuraltape.runs.metrics import MetricsFile
from neuraltape.training.counters import Counters
from neuraltape.training.evaluate import Evaluation


class Reports:
    """The open files. Only one process has one.

    Args:
        directory: the run's.
        step: lines of later steps, which a killed run may have left, are dropped.
        tensorboard: whether to write for TensorBoard too.

    Raises:
        ValueError: TensorBoard is wanted and not installed.
    """

    def __init__(self, directory: RunDirectory, step: int, *, tensorboard: bool) -> None:
        self._board = tensorboard_writer(directory, step) if tensorboard else None
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

    def evaluation(self, kind: str, counters: Counters, result: Evaluation, *, sequences: int) -> None:
        """One line about an evaluation ("evaluation") or the confirmation of a good one ("confirmation")."""
        values = {name: each for name, each in result._asdict().items() if each is not None}
        if result.excess is not None:
            values["excess"] = result.excess
        values["evaluated"] = sequences
        self._write(kind, counters, values, {"seconds": round(counters.seconds, 3)})

    def close(self) -> None:
        """Close the files."""
        self.file.close()
        if self._board is not None:
            self._board.close()

    def _write(self, kind: str, counters: Counters, values: dict[str, Any], times: dict[str, float]) -> None:
        place = {"kind": kind, "step": counters.step, "sequences": counters.sequences}
        # JSON has no NaN.
        finite = {name: each if math.isfinite(each) else None for name, each in values.items()}
        self.file.append({**place, **finite, **times})
        if self._board is not None:
            for name, each in {**values, **times}.items():
                self._board.add_scalar(f"{kind}/{name}", each, counters.sequences)


def tensorboard_writer(directory: RunDirectory, step: int) -> Any:
    """A writer into the run's folder. Raises ValueError where TensorBoard isn't installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ValueError('tensorboard is not installed; get it with: pip install "neuraltape[tensorboard]"') from error
    return SummaryWriter(str(directory.board))
