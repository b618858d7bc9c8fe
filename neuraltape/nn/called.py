"""What a call gives, for type checkers: to them a call of a torch.nn.Module gives anything."""

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

StateT = TypeVar("StateT")


if TYPE_CHECKING:

    class Called(Generic[StateT]):
        """Base class of what is called like torch.nn.LSTM and carries such a state; stands before nn.Module."""

        @overload
        def __call__(
            self, inputs: Tensor, state: Any = None, *, lengths: Any = None, reset: Any = None
        ) -> tuple[Tensor, StateT]: ...
        @overload
        def __call__(
            self, inputs: PackedSequence, state: Any = None, *, lengths: Any = None, reset: Any = None
        ) -> tuple[PackedSequence, StateT]: ...
        def __call__(self, *_: Any, **__: Any) -> Any:
            """A call."""

else:

    class _Nothing:
        """No base at all: FSDP2 changes a module's class, which Python allows if the first base is a module."""

        def __getitem__(self, state: Any) -> "_Nothing":
            return self

        def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
            return ()

    Called = _Nothing()
