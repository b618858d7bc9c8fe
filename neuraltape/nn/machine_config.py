"""The settings that every machine with a memory has. Knows no access."""

from dataclasses import dataclass
from math import isqrt
from typing import Literal

from neuraltape.kernels import check_backend
from neuraltape.nn.checks import check_choice, check_embedding, check_input_scale, check_size
from neuraltape.nn.controllers import CONTROLLERS

ControllerName = Literal["lstm", "gru", "feedforward"]


# Numbers in one sequence's memory, or in a matrix of a controller: 8 GiB. A file may say any.
MOST_NUMBERS, MOST_LAYERS = 2**31, 1000


@dataclass(frozen=True)
class MachineConfig:
    """Base class: the settings of a machine, all that its constructor takes but the sizes that a task has.

    Each machine has a dataclass of its own with what its access adds, and with its own defaults, those of its
    constructor. `batch_first` says how a machine is called, and a controller of one's own is no setting; both belong
    to the constructor alone.

    Raises:
        ValueError: a size or choice that makes no machine.
    """

    hidden_size: int = 100
    """Units in each layer of the controller."""
    memory_slots: int = 128
    """Slots (rows) of the memory."""
    memory_width: int = 20
    """Numbers in each slot."""
    read_heads: int = 1
    """Heads that read."""
    controller: ControllerName = "lstm"
    """The network between input and heads."""
    controller_layers: int = 1
    """Layers of the controller."""
    input_scale: float = 1.0
    """What inputs are multiplied with: more than 1 where small differences of an input matter."""
    embedding_size: int | None = None
    """Numbers that a symbol is looked up as; 0: none, it is shown one-hot; null: 64 in a training on symbols."""
    backend: str = "auto"
    """Which kernels run it; "auto": the fastest that can."""

    def __post_init__(self) -> None:
        for name in ("hidden_size", "memory_slots", "memory_width", "read_heads", "controller_layers"):
            check_size(name, getattr(self, name))
        check_controller(self.hidden_size, self.controller_layers)
        if self.memory_slots * self.memory_width > MOST_NUMBERS:
            raise ValueError(
                f"memory_slots times memory_width must be at most {MOST_NUMBERS:,}; got {self.memory_slots:,} times "
                f"{self.memory_width:,}"
            )
        check_input_scale(self.input_scale)
        check_embedding(self.embedding_size)
        check_choice("controller", self.controller, tuple(CONTROLLERS))
        check_backend(self.backend)

    @property
    def fixed_slots(self) -> bool:
        """Whether the start has numbers of its own for each slot, so that it fits no other number of slots."""
        return False


def check_controller(hidden_size: int, controller_layers: int) -> None:
    """Raise ValueError for sizes that no computer has room for: to try would take it down."""
    if controller_layers > MOST_LAYERS:
        raise ValueError(f"controller_layers must be at most {MOST_LAYERS:,}; got {controller_layers:,}")
    if hidden_size**2 > MOST_NUMBERS:
        raise ValueError(f"hidden_size must be at most {isqrt(MOST_NUMBERS):,}; got {hidden_size:,}")
