"""What training varies around a machine: where its heads start, how many slots it has, how long its sequences are."""

import math
from dataclasses import dataclass
from typing import Literal

from neuraltape.settings.checks import check_choice, check_needed, check_positive, check_range

# What a kind of machine must be able to do, by the name in the table of machines, for a setting to mean anything.
NEEDS = {
    "training_slots": "resizable",
    "most_training_slots": "resizable",
    "gate_bias": "biased",
    "write_gate_bias": "biased",
    "write_shift_bias": "biased",
}


@dataclass(frozen=True)
class PracticeSettings:
    """What training varies.

    Raises:
        ValueError: a value that cannot be.
    """

    training_slots: int | None = None
    """Slots until the cool-down; null: memory_slots. With few, a machine learns to use them sooner."""
    most_training_slots: int | None = None
    """Each step, in the cool-down too, draws from training_slots to so many slots; null: no drawing."""
    curriculum: Literal["none", "uniform", "growing", "doubling"] = "uniform"
    """Lengths in training: always the longest; the whole range (the paper); one that grows with success or doubles."""
    grow_from: int = 10
    """Doubling curriculum: the longest length at the start."""
    grow_below: float = 0.05
    """The range grows when the training cost falls below this many bits a scored target."""
    grow_failed: float | None = None
    """The range grows only when fewer than this share of sequences fail; null: by cost."""
    input_dropout: float = 0.0
    """How probable it is, in training, that a number of an input is left out; the others grow by 1 / (1 - it)."""
    output_dropout: float = 0.0
    """The same of a number that the output layer sees, from the controller or from the memory."""
    gate_bias: float = 0.0
    """Start of the gates' biases: below 0 a head first stays where it was, above 0 it goes where the content is."""
    write_gate_bias: float | None = None
    """The same of the write heads alone; null: gate_bias."""
    write_shift_bias: float = 0.0
    """Start of the write heads' bias for the offset +1: above 0 they first move on, slot by slot."""

    def __post_init__(self) -> None:
        few, most = self.training_slots, self.most_training_slots
        if few is not None:
            check_positive(self, "training_slots")
        if most is not None and (few is None or most < few):
            raise ValueError(
                f"most_training_slots must be at least training_slots, which must be given; got {most} and {few}"
            )
        for name in ("input_dropout", "output_dropout"):
            check_range(self, name, 0, 1)
        check_choice(self, "curriculum", ("none", "uniform", "growing", "doubling"))
        check_positive(self, "grow_from")
        check_needed(self, ["grow_from"], self.curriculum == "doubling", "curriculum doubling")
        check_range(self, "grow_below", 0, None)
        check_needed(self, ["grow_below", "grow_failed"], self.grows, "curriculum growing or doubling")
        if self.grow_failed is not None:
            check_positive(self, "grow_failed")
            check_range(self, "grow_failed", 0, 1)
            check_needed(self, ["grow_below"], False, "growing by cost, which grow_failed replaces")
        for name in ("gate_bias", "write_gate_bias", "write_shift_bias"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{name} must be finite; got {value}")

    @property
    def grows(self) -> bool:
        """Whether the range of lengths grows with success."""
        return self.curriculum in ("growing", "doubling")
