"""What a whole sequence through a machine takes and gives: the signature that every backend shares."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from torch import Tensor

from neuraltape.functional import HopsLayout, InterfaceLayout
from neuraltape.printed import record_repr

Cell = Literal["lstm", "gru", "feedforward"]

# How many state tensors each cell carries, and how many weight tensors each of its layers has.
STATES = {"lstm": 2, "gru": 1, "feedforward": 0}
WEIGHTS_PER_LAYER = {"lstm": 4, "gru": 4, "feedforward": 2}


@dataclass(frozen=True)
class MachineSpec:
    """The sizes of one machine: what a backend has to know beside the tensors."""

    access: str
    """The name of its addressing scheme, which is that of the scheme's file or folder in every backend."""
    cell: Cell
    input_size: int
    hidden_size: int
    layers: int
    slots: int
    layout: Any
    """How the access divides what the controller emits: `InterfaceLayout`, `LRUALayout`, or another access's own."""
    linear_units: int = 0
    """LSTM: so many units of each layer, the first, take their candidate as it is."""

    def __hash__(self) -> int:
        """The hash of all fields, computed once: a step of a stream asks for it, as what is prepared is kept by it."""
        known = self.__dict__.get("known_hash")
        if known is None:
            sizes = self.input_size, self.hidden_size, self.layers, self.slots, self.linear_units
            known = self.__dict__["known_hash"] = hash((self.access, self.cell, *sizes, self.layout))
        return known


# What a backend is asked about: a machine, the interface of one step of the heads, or a memory network.
Spec = MachineSpec | InterfaceLayout | HopsLayout


class Weights(NamedTuple):
    """The parameters of one machine, without its output layer."""

    controller: tuple[Tensor, ...]
    """Layer by layer: weight_ih, weight_hh, bias_ih, bias_hh as in torch.nn; feed-forward: weight, bias."""
    interface_weight: Tensor
    """(layout.size, hidden)."""
    interface_bias: Tensor
    """(layout.size,)."""

    __repr__ = record_repr


class Restart(NamedTuple):
    """Where rows of a batch begin anew inside a sequence, and with what."""

    at: Tensor
    """(time, batch) bool: before these steps a row's state is replaced."""
    controller: tuple[Tensor, ...]
    """What the controller then begins with, each (batch, layers, hidden)."""
    access: Any
    """What the access then begins with."""

    __repr__ = record_repr


class LossResult(NamedTuple):
    """What a whole sequence gives whose outputs are compared with bits."""

    costs: Tensor
    """Cross-entropy in nats, summed over each sequence's steps and outputs, (batch,)."""
    outputs: Tensor
    """The output layer's results, without a gradient, (time, batch, output); 0 past a sequence's length."""
    controller: tuple[Tensor, ...]
    access: Any
    """The final state, as in `SequenceResult`."""

    __repr__ = record_repr


class SequenceResult(NamedTuple):
    """What a whole sequence gives."""

    given: Tensor
    """What every step gives to the output layer: the controller's output, then all reads, in one row; (time, batch,
    hidden + read heads * width). 0 past a sequence's length."""
    controller: tuple[Tensor, ...]
    """The controller's final state, each (batch, layers, hidden)."""
    access: Any
    """The access's final state, such as an `AccessState`."""

    __repr__ = record_repr

    @property
    def hidden(self) -> Tensor:
        """The controller's output at every step, (time, batch, hidden)."""
        _, heads, width = self.access.reads.shape
        return self.given[..., : self.given.shape[-1] - heads * width]

    @property
    def reads(self) -> Tensor:
        """r_t at every step, (time, batch, read heads, width)."""
        _, heads, width = self.access.reads.shape
        return self.given[..., self.given.shape[-1] - heads * width :].unflatten(-1, (heads, width))
