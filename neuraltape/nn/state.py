"""What a machine carries from one step to the next: NamedTuples of tensors, batch first, passed in and given back."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from neuraltape.functional import AccessState as AccessState


class LSTMState(NamedTuple):
    """An LSTM's state."""

    hidden: Tensor
    """h_t, (batch, layers, hidden)."""
    cell: Tensor
    """c_t, (batch, layers, hidden)."""

    def detach(self) -> "LSTMState":
        """The same values, cut from the graph that made them."""
        return map_state(Tensor.detach, self)


class GRUState(NamedTuple):
    """A GRU's state."""

    hidden: Tensor
    """h_t, (batch, layers, hidden)."""

    def detach(self) -> "GRUState":
        """The same values, cut from the graph that made them."""
        return map_state(Tensor.detach, self)


class FeedForwardState(NamedTuple):
    """A feed-forward controller carries nothing: all its memory is the memory."""

    def detach(self) -> "FeedForwardState":
        """Itself."""
        return self


class NTMState(NamedTuple):
    """A machine's state: its controller's and its access's."""

    controller: Any
    """What the controller carries; tensors have the batch first."""
    access: AccessState
    """The memory, the focus of every head and the last reads."""

    def detach(self) -> "NTMState":
        """The same values, cut from the graph that made them: where truncated backpropagation stops."""
        return map_state(Tensor.detach, self)


def map_state(function: Callable[..., Tensor], state: Any, *others: Any) -> Any:
    """Apply a function to every tensor of a state (and to the tensors in the same places of the others)."""
    # The states of this library without PyTorch's general trees, which take longer than a step of a machine.
    if isinstance(state, Tensor):
        return function(state, *others)
    if type(state) in (NTMState, LSTMState, GRUState, AccessState) and all(type(o) is type(state) for o in others):
        return type(state)(*(map_state(function, *parts) for parts in zip(state, *others, strict=True)))
    return pytree.tree_map(function, state, *others)


def tensors_of(state: Any) -> list[Tensor]:
    """All tensors of a state, in a fixed order."""
    return [leaf for leaf in pytree.tree_leaves(state) if isinstance(leaf, Tensor)]


def keep_alive(alive: Tensor, new: Any, old: Any) -> Any:
    """`new` for the sequences that are alive, `old` for the others. alive: (batch,) bool; states batch first."""
    return map_state(lambda a, b: torch.where(alive.view(-1, *[1] * (a.dim() - 1)), a, b), new, old)
