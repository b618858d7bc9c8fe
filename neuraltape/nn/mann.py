"""The memory-augmented neural network: a controller with access by least-recently-used writes."""

from typing import Literal

from torch import Tensor, nn

from neuraltape.functional import LRUALayout
from neuraltape.kernels import MachineSpec, Weights
from neuraltape.nn.access import LRUAAccess, MANNConfig
from neuraltape.nn.backend import BackendChoice, without_autocast
from neuraltape.nn.checks import check_size
from neuraltape.nn.controllers import CONTROLLERS, Controller, LSTMController, built_in
from neuraltape.nn.machine import Machine, check_part
from neuraltape.nn.one_late import start_one_late
from neuraltape.nn.state import MachineState


class MANN(Machine):
    """A recurrent layer that stores what it sees in slots that are not in use and finds it again by content.

    Santoro, Bartunov, Botvinick, Wierstra and Lillicrap (2016), arXiv 1605.06065: made for learning from one example.
    Used like torch.nn.LSTM and like `NTM`; the addressing is that of `LRUAAccess`. Made for labels that come one step
    late: with a built-in LSTM, what is written starts as the key of the step before.

    Args:
        input_size: numbers in one step's input.
        hidden_size: numbers in the controller's output.
        output_size: numbers in one step's output.
        memory_slots: N, rows of the memory.
        memory_width: W, numbers in each row.
        read_heads: each writes, then reads.
        usage_decay: what is left of a slot's usage after one step.
        controller: "lstm", "feedforward", "gru", or a module with `initial_state(batch_size)` and
            `forward(x, state) -> (y, state)`, as for `NTM`.
        controller_layers: layers of a built-in controller.
        batch_first: inputs and outputs are (batch, time, ...) instead of (time, batch, ...). States never change.
        backend: "auto", or the name of one: a named backend that can't run this raises the reason.

    Raises:
        TypeError: a controller that is neither a name nor such a module.
        ValueError: a size or choice that makes no machine.
        RuntimeError: the named backend can't run this machine.
    """

    kind = "mann"
    access: LRUAAccess

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        memory_slots: int = 128,
        memory_width: int = 40,
        read_heads: int = 4,
        usage_decay: float = 0.99,
        controller: Literal["lstm", "gru", "feedforward"] | nn.Module = "lstm",
        controller_layers: int = 1,
        batch_first: bool = False,
        backend: str = "auto",
    ) -> None:
        check_size("input_size", input_size)
        MANNConfig(
            hidden_size=hidden_size,
            memory_slots=memory_slots,
            memory_width=memory_width,
            read_heads=read_heads,
            usage_decay=usage_decay,
            controller_layers=controller_layers,
            backend=backend,
        )
        part = controller if isinstance(controller, nn.Module) else None
        if part is None:
            part = built_in(controller, input_size + read_heads * memory_width, hidden_size, controller_layers)
        check_part("controller", part, f"forward(x, state) -> (y, state), or one of {', '.join(CONTROLLERS)}")
        access = LRUAAccess(hidden_size, memory_slots, LRUALayout(read_heads, memory_width, usage_decay))
        super().__init__(input_size, hidden_size, output_size, controller=part, access=access, batch_first=batch_first)
        if isinstance(part, LSTMController) and part is not controller:
            start_one_late(part, access)
        if not isinstance(part, Controller):
            # What is saved says whose controller it takes; the mixin would put the default there.
            self._hub_mixin_config = {**self.config, "controller": type(part).__name__}
        self.memory_slots, self.layout = memory_slots, access.layout
        self.choice = BackendChoice("sequence", backend)
        if backend != "auto":
            _ = self.backend

    @property
    def backend(self) -> str:
        """The name of the backend in use; a controller of your own runs step by step, on the reference."""
        if not isinstance(self.controller, Controller):
            return "reference"
        return self.choice.resolve(self.output.weight, self._spec(self.controller)).backend

    def run(self, inputs: Tensor, state: MachineState, lengths: Tensor | None) -> tuple[Tensor, MachineState]:
        """All steps: (time, batch, input) -> (time, batch, output) and the final state."""
        controller = self.controller
        if not isinstance(controller, Controller):
            return super().run(inputs, state, lengths)
        interface = self.access.interface
        weights = Weights(controller.weights(), interface.weight, interface.bias)
        spec = self._spec(controller)
        sequence = self.choice.resolve(interface.weight, spec).function
        with without_autocast(inputs.device.type):
            result = sequence(inputs, lengths, weights, state.controller.parts(), state.access, spec)
        final = MachineState(type(state.controller)(*result.controller), result.access)
        return self.output(result.given), final

    def _spec(self, controller: Controller) -> MachineSpec:
        return MachineSpec(
            "lrua",
            controller.cell,
            self.input_size,
            self.hidden_size,
            controller.layers,
            self.memory_slots,
            self.layout,
        )

    def extra_repr(self) -> str:
        """The backend in use, for `repr`."""
        return f"backend={self.backend!r}"
