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


def like_state(came: Any, like: Any, name: str = "state") -> Any:
    """What came for a state, in the form of another one: plain tuples and lists stand for records, part by part.

    Args:
        came: a state, or tuples of its parts in order, as `State.as_tuple` gives them.
        like: a state of the form that is wanted.
        name: what to call it in errors.

    Raises:
        TypeError: something else where a record should be.
        ValueError: another number of parts.
    """
    if not isinstance(like, State):
        return came
    kind = type(like)
    if type(came) is not kind and not isinstance(came, tuple | list):
        raise TypeError(
            f"{name} must be a {kind.__name__}, or a tuple of its parts ({', '.join(kind.names)}); "
            f"got {type(came).__name__}"
        )
    parts = came.parts() if isinstance(came, State) else came
    if len(parts) != len(kind.names):
        raise ValueError(f"{name} must have the parts of a {kind.__name__} ({', '.join(kind.names)}); got {len(parts)}")
    places = zip(parts, like.parts(), kind.names, strict=True)
    return kind(*[like_state(mine, theirs, f"{name}.{part}") for mine, theirs, part in places])


def sized_like(expected: Any, came: Any) -> Any:
    """What is expected of a state, with as many rows as the state has where it may have any number."""
    if not isinstance(expected, State) or type(came) is not type(expected):
        return expected
    mine = expected.alike(came)[0]
    return type(mine)(*[sized_like(*each) for each in zip(mine.parts(), came.parts(), strict=True)])


def tensors_of(state: Any) -> list[Tensor]:
    """All tensors of a state, in a fixed order."""
    return [leaf for leaf in pytree.tree_leaves(state) if isinstance(leaf, Tensor)]


def keep_alive(alive: Tensor, new: Any, old: Any) -> Any:
    """`new` for the sequences that are alive, `old` for the others. alive: (batch,) bool; states batch first."""
    return map_state(lambda a, b: torch.where(alive.view(-1, *[1] * (a.dim() - 1)), a, b), new, old)
