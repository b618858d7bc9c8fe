"""What a state is: an immutable record of tensors. Knows no machine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NoReturn, Self, dataclass_transform, no_type_check

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from neuraltape.printed import record_repr


# Tests check the types of this part at run time; what they wrap could not be compiled, and they don't know Self.
@no_type_check
@dataclass_transform(frozen_default=True, eq_default=False)
class State:
    """Base class of states: parts with names, tensors with the batch first, that can't be changed.

    A subclass lists its parts like a dataclass. It is a frozen dataclass and a node of PyTorch's trees, so that
    torch.compile, torch.export and torch.func go through it; `torch.save` and a safe `torch.load` keep it. A part may
    be a state again, or any tree of tensors. It is no sequence: parts are taken by name.

    >>> class Place(State):
    ...     focus: Tensor
    >>> Place(torch.zeros(2, 5)).rows([0]).focus.shape
    torch.Size([1, 5])
    """

    names: ClassVar[tuple[str, ...]] = ()
    """The parts' names, in order."""

    __repr__ = record_repr

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        dataclass(frozen=True, eq=False, repr=False)(cls)
        cls.names = tuple(each.name for each in fields(cls))  # pyright: ignore[reportArgumentType]
        _write_out(cls)
        # A dataclass in all but these marks: Lightning refuses frozen dataclasses in what a module returns.
        del cls.__dataclass_fields__, cls.__dataclass_params__  # pyright: ignore[reportAttributeAccessIssue]
        pytree.register_pytree_node(
            cls,
            lambda state: (list(state.parts()), None),
            lambda parts, _: cls(*parts),
            flatten_with_keys_fn=_with_keys,
            serialized_type_name=f"{cls.__module__}.{cls.__qualname__}",
        )
        torch.serialization.add_safe_globals([cls])

    def parts(self) -> tuple[Any, ...]:
        """The parts in order, for code that knows which they are."""
        return tuple([getattr(self, name) for name in self.names])

    def as_tuple(self) -> tuple[Any, ...]:
        """The parts as plain tuples all the way down, for programs that know nothing else; a call takes them back."""
        return tuple([part.as_tuple() if isinstance(part, State) else part for part in self.parts()])

    def replace(self, **parts: Any) -> Self:
        """The same with other parts. Raises TypeError for a name that isn't a part's."""
        unknown = [name for name in parts if name not in self.names]
        if unknown:
            raise TypeError(f"{type(self).__name__} has the parts {', '.join(self.names)}; got {unknown[0]!r}")
        return type(self)(*[parts.get(name, getattr(self, name)) for name in self.names])

    def detach(self) -> Self:
        """The same values, cut from the graph that made them: where truncated backpropagation stops."""
        return map_state(Tensor.detach, self)

    def clone(self) -> Self:
        """A copy with tensors of its own."""
        return map_state(Tensor.clone, self)

    def to(self, *args: Any, **options: Any) -> Self:
        """The same on another device or in another precision; arguments as for `torch.Tensor.to`."""
        return map_state(lambda tensor: tensor.to(*args, **options), self)

    def where(self, mask: Tensor, other: Self) -> Self:
        """`other`'s rows where the mask is True, its own elsewhere.

        Args:
            mask: (batch,) bool.
            other: a state of the same kind and shapes.

        Raises:
            TypeError: `other` is of another kind, or `mask` is no tensor of bool.
            ValueError: other shapes.
        """
        if type(other) is not type(self):
            raise TypeError(f"other must be a {type(self).__name__}; got {type(other).__name__}")
        if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
            came = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
            raise TypeError(f"mask must be a tensor of bool, one a sequence; got {came}")
        return map_state(lambda mine, theirs: _chosen(mask, mine, theirs), self, other)

    def alike(self, *others: Any) -> tuple[Any, ...]:
        """This and others of its kind in the shapes in which they are combined: as they are, unless a kind differs."""
        return self, *others

    def check_values(self) -> None:
        """Raise ValueError where its numbers, whose shapes are right, lead nowhere: nothing, unless a part differs."""
        for part in self.parts():
            if isinstance(part, State):
                part.check_values()

    def settled(self) -> Self:
        """The same without what it only has room for: as it is, unless a kind or a part differs."""
        parts = [part.settled() if isinstance(part, State) else part for part in self.parts()]
        same = all(new is old for new, old in zip(parts, self.parts(), strict=True))
        return self if same else type(self)(*parts)

    def rows(self, index: Any) -> Self:
        """Some of the sequences.

        Args:
            index: a slice, integers, or a tensor of integers or bool, as for the first axis of a tensor.

        Raises:
            TypeError: a single integer, which would take the batch axis away.
        """
        if isinstance(index, int) or (isinstance(index, Tensor) and index.dim() == 0):
            raise TypeError(f"index must be a slice, a list or a tensor of rows; for one row give [{index}]")
        return map_state(lambda tensor: tensor[index], self)

    def _refuse(self, *_: Any) -> NoReturn:
        places = ", ".join(_places(self, "state"))
        have = f"its parts have names: {places}; as plain tuples: state.as_tuple()" if places else "it has no parts"
        raise TypeError(f"a {type(self).__name__} is no sequence, so it can't be unpacked, indexed or counted; {have}")

    def __iter__(self) -> NoReturn:
        self._refuse()

    def __getitem__(self, index: Any) -> NoReturn:
        self._refuse()

    def __len__(self) -> NoReturn:
        self._refuse()

    def __bool__(self) -> bool:
        return True


def _write_out(kind: type[State]) -> None:
    """Write `parts` and, where no part has a default, the constructor out, part by part.

    A dataclass that is frozen takes longer to make than a machine's step has for it, and so does a loop over names.
    """
    lines = [f"def parts(self): return ({''.join(f'self.{name}, ' for name in kind.names)})"]
    if kind.names and not any(hasattr(kind, name) for name in kind.names) and not hasattr(kind, "__post_init__"):
        lines += [f"def __init__(self, {', '.join(kind.names)}):", " held = self.__dict__"]
        lines += [f" held[{name!r}] = {name}" for name in kind.names]
    made: dict[str, Any] = {}
    exec("\n".join(lines), made)
    for name in ("parts", "__init__"):
        if name in made:
            made[name].__qualname__ = f"{kind.__qualname__}.{name}"
            made[name].__doc__ = getattr(kind, name).__doc__
            setattr(kind, name, made[name])


def map_state(function: Callable[..., Tensor], state: Any, *others: Any) -> Any:
    """Apply a function to every tensor of a state or any tree (and to those in the same places of the others)."""
    # States of this kind without PyTorch's general trees, which take longer than a step of a machine.
    if isinstance(state, Tensor):
        return function(state, *others)
    if isinstance(state, State) and all(type(other) is type(state) for other in others):
        alike = state.alike(*others) if others else (state,)
        parts = zip(*(each.parts() for each in alike), strict=True)
        return type(state)(*[map_state(function, *each) for each in parts])
    return pytree.tree_map(
        lambda leaf, *rest: function(leaf, *rest) if isinstance(leaf, Tensor) else leaf, state, *others
    )


def _chosen(mask: Tensor, mine: Tensor, theirs: Tensor) -> Tensor:
    if mine.shape != theirs.shape or mask.shape != mine.shape[:1]:
        raise ValueError(
            f"mask and other must fit: mask (batch,) and parts of the same shape; "
            f"got mask {tuple(mask.shape)} and parts {tuple(mine.shape)} and {tuple(theirs.shape)}"
        )
    return torch.where(mask.view(-1, *[1] * (mine.dim() - 1)), theirs, mine)


def _with_keys(state: State) -> tuple[list[tuple[Any, Any]], None]:
    return [(pytree.GetAttrKey(name), getattr(state, name)) for name in state.names], None


def _places(state: State, name: str) -> Iterator[str]:
    for part in state.names:
        value = getattr(state, part)
        if isinstance(value, State):
            yield from _places(value, f"{name}.{part}")
        else:
            yield f"{name}.{part}"
