"""How long, on what and where to train."""

from dataclasses import dataclass
from typing import Literal

from neuraltape.settings.checks import check_choice, check_needed, check_positive, check_range


@dataclass(frozen=True)
class LoopSettings:
    """Budget, evaluation, devices.

    Raises:
        ValueError: a value that cannot be.
    """

    seed: int = 0
    """Seed of the first weights and of all data."""
    batch_size: int = 16
    """Sequences a step, summed over all processes."""
    max_sequences: int = 100_000
    """Budget: training ends after this many sequences at the latest."""
    report_every: int = 1_000
    """Sequences between two lines about the training loss."""
    evaluate_every: int = 2_000
    """Sequences between two evaluations on fresh sequences."""
    evaluate_sequences: int = 200
    """Sequences of one evaluation."""
    patience: int = 0
    """Your own sequences: evaluations without a better one after which training ends; 0: it goes on."""
    stop_when_solved: bool = True
    """Whether to stop as soon as the task is solved."""
    restart_after: int = 0
    """Sequences without a good evaluation after which training starts over with new weights; 0: never."""
    rewind: float = 0.0
    """Share of what was gained that an evaluation may lose before training goes back to where the best was; 0: all."""
    rewind_rate: float = 1.0
    """What the learning rate is multiplied with each time that training goes back."""
    confirm_sequences: int = 1_000
    """Fresh sequences on which an evaluation below the task's bound has to be confirmed before it counts as solved."""
    checkpoint_every: float = 10.0
    """Seconds between two checkpoints: what a kill costs at most."""
    precision: Literal["32-true", "64-true", "bf16-mixed"] = "32-true"
    """Numbers to compute with."""
    accelerator: Literal["auto", "cpu", "cuda"] = "cpu"
    """Where to compute; "auto": on CUDA where there is one."""
    devices: int = 1
    """Processes on each machine, one a device."""
    num_nodes: int = 1
    """Machines."""
    timeout: float = 120.0
    """Seconds that a process waits for the others before it gives up."""
    snapshots: bool = False
    """Whether to keep the weights after 0, 250, 500, 1,000, 2,000, ... sequences and at the end: how it learns."""
    tensorboard: bool = False
    """Whether to write TensorBoard files into the run directory too (needs the extra "tensorboard")."""

    def __post_init__(self) -> None:
        for name in ("batch_size", "max_sequences", "report_every", "evaluate_every", "evaluate_sequences"):
            check_positive(self, name)
        for name in ("confirm_sequences", "devices", "num_nodes", "timeout"):
            check_positive(self, name)
        check_range(self, "seed", 0, 2**63)
        check_range(self, "restart_after", 0, None)
        check_range(self, "rewind", 0, 1)
        check_positive(self, "rewind_rate")
        if self.rewind_rate > 1:
            raise ValueError(f"rewind_rate must be at most 1; got {self.rewind_rate}")
        check_needed(self, ["rewind_rate"], self.rewind > 0, "a rewind above 0")
        check_range(self, "patience", 0, None)
        check_range(self, "checkpoint_every", 0, None)
        check_choice(self, "precision", ("32-true", "64-true", "bf16-mixed"))
        check_choice(self, "accelerator", ("auto", "cpu", "cuda"))
        if self.batch_size < self.devices * self.num_nodes:
            raise ValueError(
                f"batch_size is summed over all processes and must be at least their number, "
                f"{self.devices * self.num_nodes}; got {self.batch_size}"
            )
