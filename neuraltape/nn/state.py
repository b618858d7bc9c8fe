"""What a machine carries from one step to the next: records of tensors, batch first, passed in and given back."""

from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from neuraltape.functional import AccessState as AccessState
from neuraltape.functional import State
from neuraltape.functional import map_state as map_state


class LSTMState(State):
    """An LSTM's state."""

    hidden: Tensor
    """h_t, (batch, layers, hidden)."""
    cell: Tensor
    """c_t, (batch, layers, hidden)."""


class GRUState(State):
    """A GRU's state."""

    hidden: Tensor
    """h_t, (batch, layers, hidden)."""


class FeedForwardState(State):
    """A feed-forward controller carries nothing: all its memory is the memory."""


class MachineState(State):
    """A machine's state: its controller's and its access's."""

    controller: Any
    """What the controller carries; tensors have the batch first."""
    access: Any
    """What the access carries: the memory, where the heads are, the last reads."""


def tensors_of(state: Any) -> list[Tensor]:
    """All tensors of a state, in a fixed order."""
    return [leaf for leaf in pytree.tree_leaves(state) if isinstance(leaf, Tensor)]


def keep_alive(alive: Tensor, new: Any, old: Any) -> Any:
    """`new` for the sequences that are alive, `old` for the others. alive: (batch,) bool; states batch first."""
    return map_state(lambda a, b: torch.where(alive.view(-1, *[1] * (a.dim() - 1)), a, b), new, old)
