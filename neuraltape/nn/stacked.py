"""Machines on top of each other, with dropout between them: what `num_layers` is to torch.nn.LSTM. Knows no machine."""

from itertools import pairwise
from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence

from neuraltape.nn.called import Called
from neuraltape.nn.hooks import changed_call
from neuraltape.nn.quick import bare
from neuraltape.nn.redraw import redraw
from neuraltape.nn.sequence_model import step_by_call
from neuraltape.nn.state import State


class StackedState(State):
    """The state of a `Stacked`."""

    layers: Any
    """The machines' states, a tuple, the first machine's first."""

    def as_tuple(self) -> tuple[Any, ...]:
        """The machines' states as plain tuples all the way down."""
        return tuple(each.as_tuple() for each in self.layers)


class Stacked(Called[StackedState], nn.Module):
    """Whole machines, each of which sees what the one below gives; called like each of them.

    >>> model = Stacked(NTM(9, 100, 64), NTM(64, 100, 8), dropout=0.1)
    >>> outputs, state = model(inputs)

    Args:
        machines: at least one, such as `NTM`, `LSTMBaseline` or `Bidirectional`; the first one sees the inputs.
        dropout: how probable it is, in training, that a number on its way from one machine to the next is left out.

    Raises:
        TypeError: what is no machine.
        ValueError: no machine, one machine twice, sizes that do not fit, machines of which some have `batch_first`, an
            embedding above the first machine, or a dropout that is no probability or has no place between two machines.
    """

    def __init__(self, *machines: nn.Module, dropout: float = 0.0) -> None:
        super().__init__()
        if not machines:
            raise ValueError("machines must be at least one; got none")
        check_machines(machines)
        for below, above in pairwise(machines):
            if below.output_size != above.input_size:
                raise ValueError(
                    "machines must fit: each one's input_size must be the output_size of the one before, "
                    f"{below.output_size}; got {above.input_size}"
                )
        for number, above in enumerate(machines[1:], start=2):
            if size := getattr(above, "embedding_size", 0):
                raise ValueError(
                    "only the first machine may have an embedding, as those above it see numbers; "
                    f"number {number} has embedding_size {size}"
                )
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be at least 0 and less than 1; got {dropout!r}")
        if dropout and len(machines) == 1:
            raise ValueError(f"dropout must be 0 for a single machine, which has none above it; got {dropout!r}")
        self.layers: Any = nn.ModuleList(machines)
        self.dropout = dropout
        self.input_size: int = self.layers[0].input_size
        self.embedding_size: int = getattr(self.layers[0], "embedding_size", 0)
        self.output_size: int = self.layers[-1].output_size
        self.batch_first: bool = self.layers[0].batch_first

    def initial_state(self, batch_size: int) -> StackedState:
        """The state before the first step, for so many sequences."""
        return StackedState(tuple(each.initial_state(batch_size) for each in self.layers))

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        for i, each in enumerate(self.layers):
            redraw(each, f"layers.{i}")

    def forward(self, inputs: Any, state: Any = None, *, lengths: Any = None, reset: Any = None) -> tuple[Any, Any]:
        """Run whole sequences: arguments, results and errors are those of a machine, see `SequenceModel.forward`.

        Args:
            inputs, lengths, reset: as each machine takes them.
            state: a `StackedState`, a tuple of the machines' states, or None: the initial state.

        Returns:
            The last machine's outputs, in the form in which the inputs came, and the final state.
        """
        anew = {} if reset is None else {"reset": reset}
        after, states = [], self._states(state)
        for i, (machine, before) in enumerate(zip(self.layers, states, strict=True)):
            if i > 0:
                inputs = self._thinned(inputs)
            inputs, end = machine(inputs, before, lengths=lengths, **anew)
            after.append(end)
        return inputs, StackedState(tuple(after))

    def step(self, inputs: Tensor, state: Any = None, *, reset: Tensor | None = None) -> tuple[Tensor, StackedState]:
        """One step of a stream: see `SequenceModel.step`."""
        # What stands around the call has to act here too.
        if type(self).forward is not _FORWARD or changed_call(self) is not None or not bare(self):
            return step_by_call(self, inputs, state, reset)
        anew = {} if reset is None else {"reset": reset}
        after, states = [], self._states(state)
        for i, (machine, before) in enumerate(zip(self.layers, states, strict=True)):
            if i > 0:
                inputs = self._thinned(inputs)
            inputs, end = machine.step(inputs, before, **anew)
            after.append(end)
        return inputs, StackedState(tuple(after))

    def _states(self, state: Any) -> tuple[Any, ...]:
        """Each machine's."""
        count = len(self.layers)
        if state is None:
            return (None,) * count
        layers = state.layers if isinstance(state, StackedState) else state
        if not isinstance(layers, tuple | list):
            raise TypeError(f"state must be a StackedState or a tuple of states; got {type(state).__name__}")
        if len(layers) != count:
            raise ValueError(f"state must have {count} layers, one a machine; got {len(layers)}")
        return tuple(layers)

    def _thinned(self, given: Any) -> Any:
        if isinstance(given, PackedSequence):
            return given._replace(data=functional.dropout(given.data, self.dropout, self.training))
        return functional.dropout(given, self.dropout, self.training)

    def extra_repr(self) -> str:
        """The dropout, for `repr`."""
        return f"dropout={self.dropout}"


# The forward is kept as it is written here.
_FORWARD = Stacked.forward


def check_machines(machines: tuple[Any, ...]) -> None:
    """Raise TypeError or ValueError unless these are different machines that are called in the same way."""
    for each in machines:
        if not isinstance(each, nn.Module) or not all(
            hasattr(each, name) for name in ("initial_state", "input_size", "output_size", "batch_first")
        ):
            raise TypeError(
                "a machine must be a module with initial_state(batch_size), input_size, output_size and batch_first, "
                f"such as an NTM; got {type(each).__name__}"
            )
    if len({id(each) for each in machines}) < len(machines):
        raise ValueError("machines must be different ones, each with weights of its own; one came twice")
    if len({bool(each.batch_first) for each in machines}) > 1:
        raise ValueError(f"machines must agree about batch_first; got {[each.batch_first for each in machines]}")
