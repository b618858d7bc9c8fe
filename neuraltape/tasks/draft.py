"""A sequence that somebody draws: its free content, and what has to be known to let them draw it. Knows no page.

A draft holds only what is free; flags, the answering steps and the targets follow from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor

from neuraltape.printed import record_repr
from neuraltape.tasks.batch import Batch


@dataclass(frozen=True)
class Drawing:
    """What is free in a task's sequences."""

    width: int
    """The first so many channels of the input hold the vectors, which are bits."""
    item: int = 1
    """The vectors of one unit of length."""
    columns: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """The input channels that hold a free number beside each vector, with the least and the greatest number."""
    numbers: Mapping[str, Callable[[int], range]] = field(default_factory=dict)
    """The whole numbers that a draft has besides, by name, and what they may be at a length."""
    start: int = 8
    """A length to begin with."""
    grows: bool = True
    """Whether random vectors can be added to a draft. False: they hang together, so a longer draft is drawn anew."""


@dataclass(frozen=True, eq=False)
class Draft:
    """The free content of one sequence."""

    vectors: Float[Tensor, "vectors width"]
    """The vectors to store; for a machine whose task isn't known its whole input."""
    columns: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """The numbers beside the vectors, one a vector, for each of `Drawing.columns`."""
    numbers: Mapping[str, int] = field(default_factory=dict)
    """The value of each of `Drawing.numbers`."""

    __repr__ = record_repr


@dataclass(frozen=True, eq=False)
class Composed:
    """A draft laid out over time."""

    batch: Batch
    """The sequence, alone in its batch."""
    places: list[int]
    """The step at which each of the draft's vectors goes in."""


def check_draft(draft: Draft, drawing: Drawing, name: str) -> int:
    """The draft's length, in the task's own unit.

    Args:
        draft: what came.
        drawing: what it has to hold.
        name: the task's name, for messages.

    Raises:
        ValueError: it holds something else.
    """
    vectors = draft.vectors
    check_width(vectors, drawing.width)
    if not bool(((vectors == 0) | (vectors == 1)).all()):
        raise ValueError(f"vectors of {name} must be bits, 0 or 1")
    length, rest = divmod(len(vectors), drawing.item)
    if rest:
        raise ValueError(f"vectors must be whole items of {drawing.item}; got {len(vectors)}")
    for kind, given, wanted in (
        ("columns", draft.columns, drawing.columns),
        ("numbers", draft.numbers, drawing.numbers),
    ):
        if set(given) != set(wanted):
            raise ValueError(f"{kind} of {name} must be {_listed(wanted)}; got {_listed(given)}")
    for column, (low, high) in drawing.columns.items():
        values = draft.columns[column]
        if len(values) != len(vectors) or not all(low <= each <= high for each in values):
            raise ValueError(f"{column} must be {len(vectors)} numbers from {low:g} to {high:g}, one a vector")
    for number, allowed in drawing.numbers.items():
        choices = allowed(length)
        if choices and draft.numbers[number] not in choices:
            raise ValueError(f"{number} must be from {choices[0]} to {choices[-1]}; got {draft.numbers[number]}")
    return length


def check_width(vectors: Tensor, width: int) -> None:
    """Raise ValueError unless the vectors are (one or more, width)."""
    if vectors.dim() != 2 or not len(vectors) or vectors.shape[1] != width:
        raise ValueError(f"vectors must be at least one row of {width} numbers; got shape {tuple(vectors.shape)}")


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(names) or "none"
