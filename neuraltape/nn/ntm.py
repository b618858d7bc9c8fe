"""The Neural Turing Machine: a controller, an access and one linear layer for the output."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from neuraltape.functional import AccessState, InterfaceLayout
from neuraltape.kernels import MachineSpec, Weights
from neuraltape.nn.access import NTMAccess, NTMConfig
from neuraltape.nn.backend import BackendChoice, without_autocast
from neuraltape.nn.checks import check_size
from neuraltape.nn.controllers import CONTROLLERS, Controller, built_in, parameter
from neuraltape.nn.initial import MemoryInit
from neuraltape.nn.kept_start import KeptStart
from neuraltape.nn.machine import Machine, check_part
from neuraltape.nn.machine_config import ControllerName
from neuraltape.nn.state import MachineState, tensors_of


class NTM(Machine):
    """A recurrent layer with an external memory, used like torch.nn.LSTM.

    Graves, Wayne and Danihelka (2014), arXiv 1410.5401. At each step the controller sees the input and the previous
    reads; all write heads address the memory and write; all read heads address what results and read; the output is
    one linear layer on the controller's output and the reads. What the paper leaves open is fixed as in
    `neuraltape.functional`; the memory starts as the constant 1e-6 (Collier and Beel 2018, arXiv 1807.08518).

    Args:
        input_size: numbers in one step's input.
        hidden_size: numbers in the controller's output.
        output_size: numbers in one step's output.
        memory_slots: N, rows of the memory.
        memory_width: W, numbers in each row.
        read_heads, write_heads: how many of each.
        controller: "lstm", "feedforward", "gru", or a module with `initial_state(batch_size)` and
            `forward(x, state) -> (y, state)`, where x is (batch, input_size + read_heads * memory_width), y is
            (batch, hidden_size) and the tensors of the state have the batch first.
        controller_layers: layers of a built-in controller.
        shift_offsets: the moves that a head can make from one step to the next: distinct integers. (0,): none.
        memory_init: where the memory starts: "constant" (1e-6), "random" (one draw, kept) or "learned".
        train_initial_memory: whether that start is trained; None: only if "learned".
        train_initial_weights: whether the heads' first focus is trained; it starts on slot 0.
        train_initial_reads: whether the first reads are trained; they start at 0.
        input_scale: what inputs are multiplied with, positive. More than 1 where small differences of an input matter:
            a controller learns sooner to tell them apart.
        batch_first: inputs and outputs are (batch, time, ...) instead of (time, batch, ...). States never change.
        backend: "auto", or the name of one: a named backend that can't run this raises the reason.

    Raises:
        TypeError: a controller that is neither a name nor such a module.
        ValueError: a size, offset or choice that makes no machine.
        RuntimeError: the named backend can't run this machine.
    """

    kind = "ntm"
    access: NTMAccess

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        memory_slots: int = 128,
        memory_width: int = 20,
        read_heads: int = 1,
        write_heads: int = 1,
        controller: ControllerName | nn.Module = "lstm",
        controller_layers: int = 1,
        shift_offsets: tuple[int, ...] = (-1, 0, 1),
        memory_init: MemoryInit = "constant",
        train_initial_memory: bool | None = None,
        train_initial_weights: bool = False,
        train_initial_reads: bool = False,
        input_scale: float = 1.0,
        batch_first: bool = False,
        backend: str = "auto",
    ) -> None:
        check_size("input_size", input_size)
        config = NTMConfig(
            hidden_size=hidden_size,
            memory_slots=memory_slots,
            memory_width=memory_width,
            read_heads=read_heads,
            write_heads=write_heads,
            controller_layers=controller_layers,
            shift_offsets=shift_offsets,
            memory_init=memory_init,
            train_initial_memory=train_initial_memory,
            train_initial_weights=train_initial_weights,
            train_initial_reads=train_initial_reads,
            input_scale=input_scale,
            backend=backend,
        )
        layout = InterfaceLayout(read_heads, write_heads, memory_width, config.shift_offsets)
        seen = input_size + read_heads * memory_width
        part = controller if isinstance(controller, nn.Module) else None
        if part is None:
            part = built_in(controller, seen, hidden_size, controller_layers)
        check_part("controller", part, f"forward(x, state) -> (y, state), or one of {', '.join(CONTROLLERS)}")
        access = NTMAccess(
            hidden_size,
            memory_slots,
            layout,
            memory_init=memory_init,
            train_memory=train_initial_memory,
            train_weights=train_initial_weights,
            train_reads=train_initial_reads,
            backend=backend,
        )
        super().__init__(input_size, hidden_size, output_size, controller=part, access=access, batch_first=batch_first)
        if not isinstance(part, Controller):
            # What is saved says whose controller it takes; the mixin would put the default there.
            self._hub_mixin_config = {**self.config, "controller": type(part).__name__}
        self.memory_slots, self.layout, self.input_scale = memory_slots, layout, input_scale
        self.choice = BackendChoice("sequence", backend)
        self._start = KeptStart()
        self._known: tuple[Any, MachineSpec] | None = None
        self.step_choice = BackendChoice("step", backend)
        if backend != "auto":
            _ = self.backend

    @property
    def backend(self) -> str:
        """The name of the backend in use, for the parameters' present device and dtype."""
        weight = self.output.weight
        if isinstance(self.controller, Controller):
            return self.choice.resolve(weight, self._spec(self.controller)).backend
        return self.access.choice.resolve(weight, self.layout).backend

    @contextmanager
    def resized(self, memory_slots: int) -> Iterator[None]:
        """The memory has so many slots while this lasts. What is saved still says how many it was built with.

        Args:
            memory_slots: N, positive.

        Raises:
            ValueError: the start has numbers of its own for each slot.
        """
        check_size("memory_slots", memory_slots)
        before = self.memory_slots
        self.access.resize(memory_slots)
        self.memory_slots = memory_slots
        try:
            yield
        finally:
            self.access.resize(before)
            self.memory_slots = before

    def check_state(self, state: Any, batch_size: int) -> None:
        """Raise TypeError or ValueError unless the state has the structure, shapes and precision of `initial_state`."""
        # To make such a state takes longer than a step, so the built-in controllers' is recognised without.
        if isinstance(self.controller, Controller) and self._fits(state, batch_size, self.controller):
            return
        super().check_state(state, batch_size)
        # What a user's own controller carries is its own affair: under autocast it may well be bfloat16.
        parts = state if isinstance(self.controller, Controller) else state.access
        wrong = next((each.dtype for each in tensors_of(parts) if each.dtype != self.output.weight.dtype), None)
        if wrong is not None:
            raise ValueError(f"state must be {self.output.weight.dtype} like the parameters; got {wrong}")

    def start(self, batch_size: int) -> MachineState:
        """`initial_state` for a call that only reads it: kept from call to call where nothing in it can change."""
        modules: dict[str, Any] = self._modules
        controller, access = modules["controller"], modules["access"]
        weight = parameter(access._modules["interface"], "weight")
        known = type(controller) in CONTROLLERS.values() and type(access) is NTMAccess
        known = known and type(self).initial_state is Machine.initial_state
        # Tensors of another kind, such as those that a compiler follows, are not kept.
        if not known or type(weight) is not nn.Parameter or torch.compiler.is_compiling() or not access.initial.fixed:
            return self.initial_state(batch_size)
        return self._start.get(self.initial_state, batch_size, self.memory_slots, weight)

    def run(self, inputs: Tensor, state: MachineState, lengths: Tensor | None) -> tuple[Tensor, MachineState]:
        """All steps: (time, batch, input) -> (time, batch, output) and the final state."""
        if isinstance(self.controller, Controller):
            given, state = self._run_whole(inputs, state, lengths, self.controller)
            return self.output(given), state
        return super().run(inputs, state, lengths)

    def step(self, inputs: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """One step of a stream. Without gradients it goes straight to the backend.

        Args, returns, errors: see `SequenceModel.step`.
        """
        if torch.is_grad_enabled() or torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu"):
            return super().step(inputs, state)
        # A module's attributes are found slowly: to ask for ten of them would take as long as the step.
        modules: dict[str, Any] = self._modules
        controller, output, interface = (
            modules["controller"],
            modules["output"],
            modules["access"]._modules["interface"],
        )
        whole = isinstance(controller, Controller) and not (_hooked(self) or _hooked(output))
        if not whole or type(inputs) is not Tensor or inputs.dim() != 2 or inputs.shape[1] != self.input_size:
            return super().step(inputs, state)
        known = type(state) is MachineState and type(state.access) is AccessState
        if not known or type(state.controller) is not controller.state_type:
            return super().step(inputs, state)
        weights = Weights(controller.weights(), parameter(interface, "weight"), parameter(interface, "bias"))
        spec, of_output = self._spec(controller), (parameter(output, "weight"), parameter(output, "bias"))
        take = self.step_choice.resolve(weights.interface_weight, spec).function
        y, carried, access = take(
            self._scaled(inputs), weights, of_output, state.controller.parts(), state.access, spec
        )
        return y, MachineState(type(state.controller)(*carried), access)

    def control(self, x: Tensor, state: MachineState) -> tuple[Tensor, Any]:
        """One step of the controller: x (batch, input) -> (batch, hidden) and the controller's state."""
        return super().control(self._scaled(x), state)

    def _scaled(self, inputs: Tensor) -> Tensor:
        return inputs if self.input_scale == 1 else inputs * self.input_scale

    def _fits(self, state: Any, batch_size: int, controller: Controller) -> bool:
        """Whether this is surely a state of so many sequences."""
        if type(state) is not MachineState or type(state.access) is not AccessState:
            return False
        if type(state.controller) is not controller.state_type:
            return False
        layout, slots = self.layout, self.memory_slots
        wanted = [(batch_size, controller.layers, controller.hidden_size)] * len(state.controller.names)
        wanted += [(batch_size, slots, layout.width), (batch_size, layout.read_heads, slots)]
        wanted += [(batch_size, layout.write_heads, slots), (batch_size, layout.read_heads, layout.width)]
        came, dtype = (*state.controller.parts(), *state.access.parts()), self.output.weight.dtype
        return all(
            isinstance(tensor, Tensor) and tensor.shape == shape and tensor.dtype == dtype
            for tensor, shape in zip(came, wanted, strict=True)
        )

    def _run_whole(
        self, inputs: Tensor, state: MachineState, lengths: Tensor | None, controller: Controller
    ) -> tuple[Tensor, MachineState]:
        """One call of the backend, controller included."""
        spec = self._spec(controller)
        modules: dict[str, Any] = self._modules
        interface = modules["access"]._modules["interface"]
        weights = Weights(controller.weights(), parameter(interface, "weight"), parameter(interface, "bias"))
        sequence = self.choice.resolve(weights.interface_weight, spec).function
        with without_autocast(inputs.device.type):
            result = sequence(self._scaled(inputs), lengths, weights, state.controller.parts(), state.access, spec)
        final = MachineState(type(state.controller)(*result.controller), result.access)
        return result.given, final

    def _spec(self, controller: Controller) -> MachineSpec:
        sizes = (controller.cell, self.input_size, self.hidden_size, controller.layers, self.memory_slots, self.layout)
        if self._known is None or self._known[0] != sizes:
            self._known = sizes, MachineSpec("ntm", *sizes)
        return self._known[1]

    def extra_repr(self) -> str:
        """The backend in use, for `repr`."""
        return f"backend={self.backend!r}"


def _hooked(module: nn.Module) -> bool:
    """Whether something else is called when this module is."""
    return bool(module._forward_hooks or module._forward_pre_hooks)
