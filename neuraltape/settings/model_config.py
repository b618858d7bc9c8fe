"""Which machine to train: the fields are command-line flags and keys of `config.yaml`."""

import math
from dataclasses import dataclass
from typing import Literal

from neuraltape.settings.checks import check_choice, check_positive, check_range


@dataclass(frozen=True)
class ModelConfig:
    """The machine's kind and sizes; input and output size come from the task."""

    model: Literal["ntm", "mann", "lstm"] = "ntm"
    """The machine: "ntm"; "mann", which writes to least-recently-used slots; or "lstm", which has no memory."""
    hidden_size: int = 100
    """Units in each layer of the controller."""
    memory_slots: int = 128
    """Slots (rows) of the memory."""
    training_slots: int | None = None
    """Slots until the cool-down (ntm only); null: memory_slots. With few, a machine learns to use them sooner."""
    most_training_slots: int | None = None
    """Each step, in the cool-down too, draws from training_slots to so many slots (ntm only); null: no drawing."""
    memory_width: int = 20
    """Numbers in each slot."""
    read_heads: int = 1
    """Heads that read."""
    write_heads: int = 1
    """Heads that write."""
    controller: Literal["lstm", "gru", "feedforward"] = "lstm"
    """The network between input and heads."""
    controller_layers: int = 1
    """Layers of the controller."""
    shift_offsets: tuple[int, ...] = (-1, 0, 1)
    """Moves that a head can make in one step, in slots."""
    usage_decay: float = 0.99
    """What is left of a slot's usage after one step (mann only)."""
    memory_init: Literal["constant", "random", "learned"] = "constant"
    """How the memory starts."""
    train_initial_memory: bool | None = None
    """Whether the memory's start is trained; null: only where memory_init is "learned"."""
    train_initial_weights: bool = False
    """Whether the heads' first focus is trained."""
    train_initial_reads: bool = False
    """Whether what the heads have read before the first step is trained."""
    gate_bias: float = 0.0
    """Start of the gates' biases: below 0 a head first stays where it was, above 0 it goes where the content is."""
    write_gate_bias: float | None = None
    """The same of the write heads alone (ntm only); null: gate_bias."""
    write_shift_bias: float = 0.0
    """Start of the write heads' bias for the offset +1 (ntm only): above 0 they first move on, slot by slot."""
    input_scale: float = 1.0
    """What inputs are multiplied with (ntm, lstm): more than 1 where small differences of an input matter."""
    backend: str = "auto"
    """Which kernels run it; "auto": the fastest that can."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "shift_offsets", tuple(self.shift_offsets))
        check_choice(self, "model", ("ntm", "mann", "lstm"))
        check_range(self, "usage_decay", 0, 1)
        check_choice(self, "controller", ("lstm", "gru", "feedforward"))
        check_choice(self, "memory_init", ("constant", "random", "learned"))
        for name in (
            "hidden_size",
            "memory_slots",
            "memory_width",
            "read_heads",
            "write_heads",
            "controller_layers",
        ):
            check_positive(self, name)
        check_positive(self, "input_scale")
        self._check_training_slots()
        for name in ("gate_bias", "write_gate_bias", "write_shift_bias"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{name} must be finite; got {value}")
        if not self.shift_offsets or len(set(self.shift_offsets)) < len(self.shift_offsets):
            raise ValueError(
                f"shift_offsets must be distinct integers, at least one; got {list(self.shift_offsets)}. "
                "For no shifting give [0]"
            )
        if self.write_shift_bias and 1 not in self.shift_offsets:
            raise ValueError(f"write_shift_bias needs 1 among shift_offsets; got {list(self.shift_offsets)}")

    def _check_training_slots(self) -> None:
        few, most = self.training_slots, self.most_training_slots
        if most is not None and (few is None or most < few):
            raise ValueError(
                f"most_training_slots must be at least training_slots, which must be given; got {most} and {few}"
            )
        if self.training_slots is None:
            return
        check_positive(self, "training_slots")
        if most is not None:
            check_positive(self, "most_training_slots")
        trained = self.train_initial_memory or self.train_initial_weights
        if self.model == "ntm" and (self.memory_init != "constant" or trained):
            raise ValueError(
                "training_slots needs a start that fits any number of slots: memory_init constant, and neither "
                "train_initial_memory nor train_initial_weights"
            )
