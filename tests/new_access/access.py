"""The wheel as an access and a machine."""

from dataclasses import dataclass
from functools import partial

from neuraltape.functional.wheel import WheelLayout, WheelState, activate, store, turn, wheel_step
from torch import Tensor, nn

from neuraltape.nn.fast_machine import FastMachine, chosen_controller
from neuraltape.nn.machine_config import MachineConfig
from neuraltape.nn.record import Recorder


@dataclass(frozen=True)
class WheelConfig(MachineConfig):
    """The settings of a `Wheel`."""

    start: int = 0
    """The slot that the focus starts on."""


class WheelAccess(nn.Module):
    """A focus that turns on or stays."""

    scheme = "wheel"
    state_type = WheelState
    fixed_start = True
    backend = "reference"

    def __init__(self, controller_size: int, slots: int, layout: WheelLayout, start: int) -> None:
        super().__init__()
        self.slots, self.layout, self.first = slots, layout, start
        self.interface = nn.Linear(controller_size, layout.size)

    def initial_state(self, batch_size: int, memory: Tensor | None = None) -> WheelState:
        """The state before the first step."""
        like, width = self.interface.weight, self.layout.width
        focus = like.new_zeros(batch_size, 1, self.slots)
        focus[..., self.first] = 1
        return WheelState(like.new_zeros(batch_size, self.slots, width), focus, like.new_zeros(batch_size, 1, width))

    def state_shapes(self, batch_size: int) -> list[tuple[int, ...]]:
        """The shapes of the state's parts, for so many sequences."""
        width, slots = self.layout.width, self.slots
        return [(batch_size, slots, width), (batch_size, 1, slots), (batch_size, 1, width)]

    def forward(self, controller_output: Tensor, state: WheelState) -> tuple[Tensor, WheelState]:
        """One step."""
        state = wheel_step(self.interface(controller_output), state, self.layout)
        return state.reads, state

    def forward_in_stages(
        self, controller_output: Tensor, state: WheelState, recorder: Recorder
    ) -> tuple[Tensor, WheelState]:
        """One step, through a recorder."""
        interface, memory = activate(self.interface(controller_output)), recorder.memory(state.memory)
        heads = recorder.heads("write", state.weights)
        weights = heads.stage("turn", partial(turn, state.weights), gate=interface.gate)
        memory = store(memory, weights, heads.vector("add", interface.add))
        recorder.wrote(memory)
        heads = recorder.heads("read", state.weights)
        weights = heads.stage("same place", lambda: weights)
        reads = heads.vector("read", weights @ memory)
        return reads, WheelState(memory, weights, reads)


class Wheel(FastMachine):
    """A controller with a wheel."""

    kind = "wheel"
    access_type = WheelAccess

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        memory_slots: int = 128,
        memory_width: int = 20,
        read_heads: int = 1,
        start: int = 0,
        controller: str = "lstm",
        controller_layers: int = 1,
        input_scale: float = 1.0,
        embedding_size: int | None = None,
        batch_first: bool = False,
        backend: str = "auto",
    ) -> None:
        config = WheelConfig(
            hidden_size=hidden_size,
            memory_slots=memory_slots,
            memory_width=memory_width,
            read_heads=read_heads,
            start=start,
            controller_layers=controller_layers,
            input_scale=input_scale,
            embedding_size=embedding_size,
            backend=backend,
        )
        access = WheelAccess(hidden_size, memory_slots, WheelLayout(memory_width), start)
        super().__init__(
            input_size,
            output_size,
            config,
            controller=chosen_controller(controller, input_size, config),
            access=access,
            batch_first=batch_first,
            device=None,
            dtype=None,
        )
