"""The equations of a wheel, the access that the test adds: a focus that turns on by one slot or stays."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor

from neuraltape.functional.state import State


@dataclass(frozen=True)
class WheelLayout:
    """How a row of the raw interface is divided: the gate, then what to add."""

    access: ClassVar[str] = "wheel"
    width: int
    read_heads: ClassVar[int] = 1

    @property
    def size(self) -> int:
        """How many raw numbers there are in all."""
        return 1 + self.width


class WheelState(State):
    """What a wheel carries from one step to the next."""

    memory: Tensor
    """(batch, slots, width)."""
    weights: Tensor
    """The focus, (batch, 1, slots)."""
    reads: Tensor
    """(batch, 1, width)."""


class WheelInterface(NamedTuple):
    """The activated parameters."""

    gate: Tensor
    """1: turn on by one slot; 0: stay. (batch, 1)."""
    add: Tensor
    """What to store, (batch, 1, width)."""


def activate(raw: Tensor) -> WheelInterface:
    """Bring a raw row into its ranges."""
    return WheelInterface(raw[:, :1].sigmoid(), raw[:, None, 1:].tanh())


def turn(previous: Tensor, gate: Tensor) -> Tensor:
    """gate * (the focus, one slot on) + (1 - gate) * the focus."""
    gate = gate.unsqueeze(-1)
    return gate * previous.roll(1, -1) + (1 - gate) * previous


def store(memory: Tensor, weights: Tensor, add: Tensor) -> Tensor:
    """Add to the slots in focus."""
    return memory + weights.transpose(-1, -2) @ add


def wheel_step(raw: Tensor, state: WheelState, layout: WheelLayout) -> WheelState:
    """Turn, add, read."""
    interface = activate(raw)
    weights = turn(state.weights, interface.gate)
    memory = store(state.memory, weights, interface.add)
    return WheelState(memory, weights, weights @ memory)
