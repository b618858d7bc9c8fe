"""The built-in controllers: the part of a machine that sees the input and the last reads. They know no memory.

Any module with `initial_state(batch_size)` and `forward(x, state) -> (y, state)` can stand in for them; the tensors of
its state have the batch first.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from neuraltape.kernels.reference import controller_step
from neuraltape.kernels.spec import Cell
from neuraltape.nn.checks import check_linear_units, check_size, check_without_linear_units
from neuraltape.nn.quick import KNOWN, like_of
from neuraltape.nn.state import FeedForwardState, GRUState, LSTMState

State = LSTMState | GRUState | FeedForwardState


class Controller(nn.Module):
    """Layers of one kind of cell, run one step at a time.

    Args:
        input_size: numbers in one step's input, the reads included.
        hidden_size: numbers in one step's output.
        layers: how many layers, each fed by the one below.
        device, dtype: of the parameters; None: PyTorch's defaults.

    Raises:
        ValueError: a size that is no positive integer.
    """

    cell: ClassVar[Cell]
    blocks: ClassVar[int]
    names: ClassVar[tuple[str, ...]] = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    state_type: ClassVar[type]
    linear_units: int = 0

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        layers: int = 1,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        for name, value in (("input_size", input_size), ("hidden_size", hidden_size), ("layers", layers)):
            check_size(name, value)
        self.input_size, self.hidden_size, self.layers = input_size, hidden_size, layers
        self.weight_names = tuple(f"{name}_l{layer}" for layer in range(layers) for name in self.names)
        rows = self.blocks * hidden_size
        for layer in range(layers):
            below = input_size if layer == 0 else hidden_size
            shapes = {"weight_ih": (rows, below), "weight": (rows, below), "weight_hh": (rows, hidden_size)}
            for name in self.names:
                made = torch.empty(shapes.get(name, (rows,)), device=device, dtype=dtype)
                self.register_parameter(f"{name}_l{layer}", nn.Parameter(made))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew: uniform in +-1/sqrt(hidden_size), as torch.nn.LSTM does."""
        bound = 1 / math.sqrt(self.hidden_size)
        for each in self.parameters():
            nn.init.uniform_(each, -bound, bound)

    def weights(self) -> tuple[Tensor, ...]:
        """All parameters, layer by layer, in the order that the kernels take them."""
        held = self._parameters
        try:
            # As attributes they would be found slowly.
            return tuple([held[name] for name in self.weight_names])  # pyright: ignore[reportReturnType]
        except KeyError:
            # One that is computed is found that way only.
            return tuple([getattr(self, name) for name in self.weight_names])

    def _zeros(self, batch_size: int) -> Tensor:
        first = getattr(self, self.weight_names[0])
        like = first if type(first) in KNOWN else like_of(self, None)
        return like.new_zeros(batch_size, self.layers, self.hidden_size)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One step.

        Args:
            x: (batch, input_size).
            state: the state after the step before.

        Returns:
            The last layer's output, (batch, hidden_size), and the state after this step.
        """
        y, after = controller_step(x, state.parts(), self.weights(), self.cell, self.linear_units)
        return y, type(state)(*after)

    def extra_repr(self) -> str:
        """Sizes, for `repr`."""
        linear = f", linear_units={self.linear_units}" if self.linear_units else ""
        return f"{self.input_size}, {self.hidden_size}, layers={self.layers}{linear}"


class LSTMController(Controller):
    """Long short-term memory, with the equations and the parameter names of torch.nn.LSTM.

    Args:
        input_size, hidden_size, layers, device, dtype: as for every controller.
        linear_units: so many units of each layer, the first, take their candidate as it is: c_t = f c_{t-1} + i g,
            where others have tanh(g); h_t = o tanh(c_t) for all. So one step can put any number into what they hold,
            and what it shows to the others stays bounded. Ours; not in the paper.

    Raises:
        ValueError: a size that is no positive integer, or more linear units than units.
    """

    cell = "lstm"
    state_type = LSTMState
    blocks = 4

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        layers: int = 1,
        *,
        linear_units: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, layers, device=device, dtype=dtype)
        check_linear_units(linear_units, hidden_size)
        self.linear_units = linear_units

    def reset_parameters(self) -> None:
        """Draw all weights anew, then open the forget gates (bias 1; Jozefowicz et al. 2015, section 2.2)."""
        super().reset_parameters()
        with torch.no_grad():
            for layer in range(self.layers):
                for name in ("bias_ih", "bias_hh"):
                    getattr(self, f"{name}_l{layer}")[self.hidden_size : 2 * self.hidden_size] = 0.5

    def initial_state(self, batch_size: int) -> LSTMState:
        """Zeros."""
        return LSTMState(self._zeros(batch_size), self._zeros(batch_size))


class GRUController(Controller):
    """Gated recurrent unit, with the equations and the parameter names of torch.nn.GRU."""

    cell = "gru"
    state_type = GRUState
    blocks = 3

    def initial_state(self, batch_size: int) -> GRUState:
        """Zeros."""
        return GRUState(self._zeros(batch_size))


class FeedForwardController(Controller):
    """tanh(W x + b), layer upon layer: no state of its own, so everything it remembers is in the memory."""

    cell = "feedforward"
    state_type = FeedForwardState
    blocks = 1
    names = ("weight", "bias")

    def initial_state(self, batch_size: int) -> FeedForwardState:
        """Nothing."""
        return FeedForwardState()


CONTROLLERS = {"lstm": LSTMController, "gru": GRUController, "feedforward": FeedForwardController}


def built_in(name: object, input_size: int, hidden_size: int, layers: int, linear_units: int = 0) -> Controller:
    """A new controller of this name.

    Raises:
        TypeError: what is no name.
        ValueError: an unknown name, or linear units of another controller than an LSTM.
    """
    if not isinstance(name, str):
        raise TypeError(
            "controller must be a module with initial_state(batch_size) and forward(x, state) -> (y, state), "
            f"or one of {', '.join(CONTROLLERS)}; got {type(name).__name__}"
        )
    if name not in CONTROLLERS:
        raise ValueError(f"controller must be one of {', '.join(CONTROLLERS)}, or a module; got {name!r}")
    if name == "lstm":
        return LSTMController(input_size, hidden_size, layers, linear_units=linear_units)
    check_without_linear_units(linear_units, name)
    return CONTROLLERS[name](input_size, hidden_size, layers)
