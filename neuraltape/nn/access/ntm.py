"""The addressing scheme of the Neural Turing Machine: content, interpolation, shift, sharpening."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from neuraltape.functional import (
    AccessState,
    Interface,
    InterfaceLayout,
    access_step,
    activate,
    interpolate,
    look_up,
    read,
    sharpen,
    shift,
    similarity,
    split_interface,
    write,
)
from neuraltape.nn.backend import BackendChoice, without_autocast
from neuraltape.nn.checks import (
    check_choice,
    check_flag,
    check_linear_units,
    check_size,
    check_without_linear_units,
)
from neuraltape.nn.initial import MEMORY_INITS, InitialAccess, MemoryInit, given_memory
from neuraltape.nn.machine_config import MachineConfig
from neuraltape.nn.quick import KNOWN, like_of, part, plain
from neuraltape.nn.record import Heads, Recorder
from neuraltape.nn.resized import view


@dataclass(frozen=True)
class NTMConfig(MachineConfig):
    """The settings of an `NTM`.

    Raises:
        ValueError: a size, offset or choice that makes no machine.
    """

    write_heads: int = 1
    """Heads that write."""
    shift_offsets: tuple[int, ...] = (-1, 0, 1)
    """Moves that a head can make in one step, in slots."""
    memory_init: MemoryInit = "constant"
    """How the memory starts."""
    train_initial_memory: bool | None = None
    """Whether the memory's start is trained; null: only where memory_init is "learned"."""
    train_initial_weights: bool = False
    """Whether the heads' first focus is trained."""
    train_initial_reads: bool = False
    """Whether what the heads have read before the first step is trained."""
    linear_units: int = 0
    """Units of each layer of an LSTM controller whose candidate is not squashed: a number comes in there as it is."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_size("write_heads", self.write_heads)
        check_choice("memory_init", self.memory_init, MEMORY_INITS)
        check_linear_units(self.linear_units, self.hidden_size)
        if self.controller != "lstm":
            check_without_linear_units(self.linear_units, self.controller)
        for name in ("train_initial_weights", "train_initial_reads"):
            check_flag(name, getattr(self, name))
        if self.train_initial_memory is not None:
            check_flag("train_initial_memory", self.train_initial_memory)
        offsets = self.shift_offsets
        # `type` and not `isinstance` for each: True is no move.
        integers = isinstance(offsets, tuple | list) and all(type(offset) is int for offset in offsets)
        if not integers or not 0 < len(offsets) == len(set(offsets)):
            raise ValueError(
                "shift_offsets must be distinct integers, at least one, such as (-1, 0, 1), or (0,) for no shifting; "
                f"got {offsets!r}"
            )
        object.__setattr__(self, "shift_offsets", tuple(offsets))

    @property
    def fixed_slots(self) -> bool:
        """Whether the start has numbers of its own for each slot, so that it fits no other number of slots."""
        return self.memory_init != "constant" or bool(self.train_initial_memory) or self.train_initial_weights


class NTMAccess(nn.Module):
    """Read and write heads on a memory: one linear layer from the controller's output to all head parameters.

    All write heads address M_{t-1} and write, giving M_t; then all read heads address M_t and read. Graves et al.
    (2014), arXiv 1410.5401, sections 3.1 to 3.3; the paper leaves the order of writing and reading open.

    Args:
        controller_size: numbers in the controller's output.
        slots: N, rows of the memory.
        layout: heads, width and offsets.
        memory_init, train_memory, train_weights, train_reads: the start, see `InitialAccess`.
        backend: "auto", or the name of a backend for `forward`.
        device, dtype: of the parameters; None: PyTorch's defaults.
    """

    scheme = "ntm"
    state_type = AccessState
    bounds: ClassVar[dict[str, tuple[float, float]]] = {"key": (-1.0, 1.0), "add": (-1.0, 1.0)}

    def __init__(
        self,
        controller_size: int,
        slots: int,
        layout: InterfaceLayout,
        *,
        memory_init: MemoryInit = "constant",
        train_memory: bool | None = None,
        train_weights: bool = False,
        train_reads: bool = False,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.slots, self.layout = slots, layout
        self.choice = BackendChoice("access_step", backend)
        self.interface = nn.Linear(controller_size, layout.size, device=device, dtype=dtype)
        self.initial = InitialAccess(
            slots,
            layout,
            memory_init=memory_init,
            train_memory=train_memory,
            train_weights=train_weights,
            train_reads=train_reads,
            device=device,
            dtype=dtype,
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew (Glorot uniform), with biases at zero, and set the start values."""
        nn.init.xavier_uniform_(self.interface.weight)
        nn.init.zeros_(self.interface.bias)
        self.initial.reset_parameters()

    @torch.no_grad()
    def set_biases(self, *, gate: float, write_gate: float | None = None, write_shift: float = 0.0) -> None:
        """Set where heads tend to go before anything is learnt.

        Args:
            gate: of all heads' interpolation gates, before the sigmoid.
            write_gate: of the write heads' gates; None: as `gate`.
            write_shift: of the write heads' offset +1, before the softmax.

        Raises:
            ValueError: `write_shift` is not 0 and +1 is not among the offsets.
        """
        if write_shift and 1 not in self.layout.offsets:
            raise ValueError(f"write_shift needs 1 among shift_offsets; got {list(self.layout.offsets)}")
        # Views of the bias, so that what is set in them is set in it.
        parts = split_interface(self.interface.bias.unsqueeze(0), self.layout)
        writers, offsets = slice(self.layout.read_heads, None), self.layout.offsets
        parts.gate.fill_(gate)
        if write_gate is not None:
            parts.gate[:, writers] = write_gate
        if write_shift:
            parts.shift[:, writers, offsets.index(1)] = write_shift

    def check_slots(self, slots: int) -> None:
        """Raise ValueError where the memory's start has numbers of its own for each slot, and fits no other number."""
        self.initial.check_slots(slots)

    def resized(self, slots: int) -> "NTMAccess":
        """A view of this access with so many slots. Raises ValueError as `check_slots` does."""
        return view(self, {"initial": self.initial.resized(slots)}, slots=slots)

    @property
    def fixed_start(self) -> bool:
        """Whether the start depends on no parameter and no buffer, nor on anything around the module that makes it."""
        initial = part(self, "initial")
        return plain(initial, InitialAccess) and initial.fixed

    @property
    def backend(self) -> str:
        """The name of the backend of `forward`."""
        return self.choice.resolve(like_of(self, self.interface), self.layout).backend

    def initial_state(self, batch_size: int, memory: Tensor | None = None) -> AccessState:
        """The state before the first step; with a memory (batch, slots, width) or (slots, width), from that one.

        Raises:
            TypeError: a memory that is no tensor.
            ValueError: a memory of another shape, precision or device.
        """
        state = self.initial(batch_size, like_of(self, self.interface))
        return state if memory is None else state.replace(memory=given_memory(memory, state.memory))

    def state_shapes(self, batch_size: int) -> list[tuple[int, ...]]:
        """The shapes of the state's parts, for so many sequences."""
        layout, slots = self.layout, self.slots
        return [
            (batch_size, slots, layout.width),
            (batch_size, layout.read_heads, slots),
            (batch_size, layout.write_heads, slots),
            (batch_size, layout.read_heads, layout.width),
        ]

    def forward(self, controller_output: Tensor, state: AccessState) -> tuple[Tensor, AccessState]:
        """Write, then read. Stays in the parameters' precision under autocast.

        Args:
            controller_output: (batch, controller_size).
            state: the state after the step before.

        Returns:
            The reads (batch, read heads, width) and the state after this step.
        """
        step = self.choice.resolve(state.memory, self.layout).function
        with without_autocast(controller_output.device.type):
            raw = self._raw(controller_output, state)
            # Tensors of other kinds, such as distributed ones, are PyTorch's own affair.
            step = step if all(type(each) in KNOWN for each in (raw, *state.parts())) else access_step
            state = step(raw, state, self.layout)
        return state.reads, state

    def forward_in_stages(
        self, controller_output: Tensor, state: AccessState, recorder: Recorder
    ) -> tuple[Tensor, AccessState]:
        """`forward` on the reference backend, through a recorder.

        The stages of every head: match (key), look up (strength), stay or go (gate), move (shift) and sharpen
        (sharpness); the paper's equations 5 to 9.
        """
        reading, writing = slice(self.layout.read_heads), slice(self.layout.read_heads, None)
        with without_autocast(controller_output.device.type):
            interface = activate(split_interface(self._raw(controller_output, state), self.layout))
            memory = recorder.memory(state.memory)
            heads = recorder.heads("write", state.write_weights)
            write_weights = self._address(heads, interface, writing, memory, state.write_weights)
            erase, add = heads.vector("erase", interface.erase), heads.vector("add", interface.add)
            memory = write(memory, write_weights, erase, add)
            recorder.wrote(memory)
            heads = recorder.heads("read", state.read_weights)
            read_weights = self._address(heads, interface, reading, memory, state.read_weights)
            reads = heads.vector("read", read(memory, read_weights))
        return reads, AccessState(memory, read_weights, write_weights, reads)

    def _address(self, heads: Heads, interface: Interface, rows: slice, memory: Tensor, previous: Tensor) -> Tensor:
        """`neuraltape.functional.address`, stage by stage."""
        key, strength, gate, moves, sharpness = (part[:, rows] for part in interface[:5])
        offsets = self.layout.offsets
        match = heads.stage("match", partial(similarity, memory), kind="similarity", key=key)
        content = heads.stage("look up", partial(look_up, match), strength=strength)
        gated = heads.stage("stay or go", partial(interpolate, content, previous), gate=gate)
        move = partial(shift, gated, offsets=offsets)
        shifted = heads.stage("move", move, shift=moves, ticks={"shift": offsets})
        return heads.stage("sharpen", partial(sharpen, shifted), sharpness=sharpness)

    def _raw(self, controller_output: Tensor, state: AccessState) -> Tensor:
        # The memory has the parameters' precision; what stands for `interface` may have no parameter of that name.
        return self.interface(controller_output.to(state.memory.dtype))

    def extra_repr(self) -> str:
        """Sizes, for `repr`."""
        layout = self.layout
        return (
            f"slots={self.slots}, width={layout.width}, read_heads={layout.read_heads}, "
            f"write_heads={layout.write_heads}, shift_offsets={layout.offsets}"
        )
