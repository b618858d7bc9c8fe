"""How long, on what and where to train: the fields are command-line flags and keys of `config.yaml`."""

from dataclasses import dataclass
from typing import Literal

from neuraltape.settings.checks import check_choice, check_positive, check_range


@dataclass(frozen=True)
class LoopConfig:
    """Budget, evaluation, curriculum, devices."""

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
    stop_when_solved: bool = True
    """Whether to stop as soon as the task is solved."""
    confirm_sequences: int = 1_000
    """Fresh sequences on which an evaluation below the task's bound has to be confirmed before it counts as solved."""
    cooldown_sequences: int = 0
    """Sequences over which the learning rate falls to 0 before a task counts as solved; 0: it counts at once."""
    cooldown_below: float | None = None
    """The cool-down begins at an evaluation below so many bits a sequence; null: at the task's own bound."""
    cooldown_retry_rate: float = 1.0
    """What the learning rate is multiplied with after each cool-down that was not enough; 1: the full rate again."""
    cooldown_clip_floor: float = 0.0
    """`clip_floor` in the cool-down, if it is higher there."""
    curriculum: Literal["none", "uniform", "growing"] = "uniform"
    """Lengths in training: always the longest; the task's whole range (the paper); a range that grows with success."""
    grow_below: float = 0.05
    """Growing curriculum: the range grows when the training cost falls below this many bits a scored target."""
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
    tensorboard: bool = False
    """Whether to write TensorBoard files into the run directory too (needs the extra "tensorboard")."""

    def __post_init__(self) -> None:
        for name in ("batch_size", "max_sequences", "report_every", "evaluate_every", "evaluate_sequences"):
            check_positive(self, name)
        for name in ("confirm_sequences", "devices", "num_nodes", "timeout"):
            check_positive(self, name)
        check_range(self, "seed", 0, None)
        check_range(self, "grow_below", 0, None)
        check_range(self, "cooldown_sequences", 0, None)
        check_range(self, "cooldown_clip_floor", 0, None)
        check_positive(self, "cooldown_retry_rate")
        if self.cooldown_retry_rate > 1:
            raise ValueError(f"cooldown_retry_rate must be at most 1; got {self.cooldown_retry_rate}")
        if self.cooldown_below is not None:
            check_positive(self, "cooldown_below")
        check_range(self, "checkpoint_every", 0, None)
        check_choice(self, "curriculum", ("none", "uniform", "growing"))
        check_choice(self, "precision", ("32-true", "64-true", "bf16-mixed"))
        check_choice(self, "accelerator", ("auto", "cpu", "cuda"))
        if self.batch_size < self.devices * self.num_nodes:
            raise ValueError(
                f"batch_size is summed over all processes and must be at least their number, "
                f"{self.devices * self.num_nodes}; got {self.batch_size}"
            )
