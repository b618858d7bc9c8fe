"""The settings that every machine with a memory has. Knows no access."""

from dataclasses import dataclass
from typing import Literal

from neuraltape.kernels import check_backend
from neuraltape.nn.checks import check_choice, check_size
from neuraltape.nn.controllers import CONTROLLERS

ControllerName = Literal["lstm", "gru", "feedforward"]


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
    backend: str = "auto"
    """Which kernels run it; "auto": the fastest that can."""

    def __post_init__(self) -> None:
        for name in ("hidden_size", "memory_slots", "memory_width", "read_heads", "controller_layers"):
            check_size(name, getattr(self, name))
        check_choice("controller", self.controller, tuple(CONTROLLERS))
        check_backend(self.backend)
