"""Access by least-recently-used writes: writes where it last read or into what is not in use, reads by content."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from neuraltape.functional import (
    LRUALayout,
    LRUAState,
    activate_lrua,
    interpolate,
    least_used,
    look_up,
    lrua_similarity,
    lrua_step,
    lrua_usage,
    lrua_write,
    one_slot_each,
    read,
    split_lrua,
)
from neuraltape.nn.backend import without_autocast
from neuraltape.nn.initial import CONSTANT, given_memory
from neuraltape.nn.machine_config import MachineConfig
from neuraltape.nn.quick import like_of
from neuraltape.nn.record import Recorder

# Biases at the start, before softplus and sigmoid.
STRENGTH, GATE = 20.0, -2.0


@dataclass(frozen=True)
class MANNConfig(MachineConfig):
    """The settings of a `MANN`.

    Raises:
        ValueError: a size or choice that makes no machine.
    """

    memory_width: int = 40
    """Numbers in each slot."""
    read_heads: int = 4
    """Heads: each writes, then reads."""
    usage_decay: float = 0.99
    """What is left of a slot's usage after one step."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.memory_slots < self.read_heads:
            raise ValueError(
                f"memory_slots must be at least as many as read_heads, {self.read_heads}; got {self.memory_slots}"
            )
        if not 0 <= self.usage_decay <= 1:
            raise ValueError(f"usage_decay must be from 0 to 1; got {self.usage_decay!r}")


class LRUAAccess(nn.Module):
    """Heads that write, then read: one linear layer from the controller's output to all head parameters.

    w^r_t = softmax(strength * cosine); w^w_t = gate * w^r_{t-1} + (1 - gate) * least used;
    usage_t = decay * usage_{t-1} + sum w^r_t + sum w^w_t. Santoro et al. (2016), arXiv 1605.06065, equations 2 to 8;
    where this departs from the paper: `neuraltape.functional.lrua_step`. The memory starts as the constant 1e-6, the
    usage at 0, the read focus on slot 0.

    Args:
        controller_size: numbers in the controller's output.
        slots: N, rows of the memory.
        layout: heads, width and the decay of usage.
        device, dtype: of the parameters; None: PyTorch's defaults.
    """

    scheme = "lrua"
    state_type = LRUAState
    bounds: ClassVar[dict[str, tuple[float, float]]] = {"key": (-1.0, 1.0), "add": (-1.0, 1.0)}
    fixed_start = True
    # `forward` is in plain PyTorch.
    backend = "reference"

    def __init__(
        self,
        controller_size: int,
        slots: int,
        layout: LRUALayout,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if slots < layout.heads:
            raise ValueError(f"slots must be at least as many as heads, {layout.heads}; got {slots}")
        self.slots, self.layout = slots, layout
        self.interface = nn.Linear(controller_size, layout.size, device=device, dtype=dtype)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the weights anew (Glorot uniform), with biases such that memory is of use from the start.

        Heads start with a strength that tells slots apart, and with fresh slots to write into.
        """
        nn.init.xavier_uniform_(self.interface.weight)
        nn.init.zeros_(self.interface.bias)
        _, strength, gate, _ = self.interface.bias.split(self.layout.sizes)
        strength.fill_(STRENGTH)
        gate.fill_(GATE)

    def initial_state(self, batch_size: int, memory: Tensor | None = None) -> LRUAState:
        """The state before the first step; with a memory (batch, slots, width) or (slots, width), from that one.

        Raises:
            TypeError: a memory that is no tensor.
            ValueError: a memory of another shape, precision or device.
        """
        like, heads, width = like_of(self, self.interface), self.layout.heads, self.layout.width
        focus = like.new_zeros(batch_size, heads, self.slots)
        focus[..., 0] = 1
        own = like.new_full((batch_size, self.slots, width), CONSTANT)
        memory = own if memory is None else given_memory(memory, own)
        return LRUAState(
            memory, focus, like.new_zeros(batch_size, self.slots), like.new_zeros(batch_size, heads, width)
        )

    def state_shapes(self, batch_size: int) -> list[tuple[int, ...]]:
        """The shapes of the state's parts, for so many sequences."""
        heads, width, slots = self.layout.heads, self.layout.width, self.slots
        return [(batch_size, slots, width), (batch_size, heads, slots), (batch_size, slots), (batch_size, heads, width)]

    def forward(self, controller_output: Tensor, state: LRUAState) -> tuple[Tensor, LRUAState]:
        """One step. Stays in the parameters' precision under autocast.

        Args:
            controller_output: (batch, controller_size).
            state: the state after the step before.

        Returns:
            The reads (batch, heads, width) and the state after this step.
        """
        with without_autocast(controller_output.device.type):
            state = lrua_step(self._raw(controller_output, state), state, self.layout)
        return state.reads, state

    def forward_in_stages(
        self, controller_output: Tensor, state: LRUAState, recorder: Recorder
    ) -> tuple[Tensor, LRUAState]:
        """`forward` on the reference backend, through a recorder.

        The stages of a head as it writes: read before (its focus one step before), least used (the slot it may have)
        and write gate (gate; the paper's equation 7). As it reads: match (key) and look up (strength; equations 2
        and 3). The slots that the heads have at "least used" are those that are cleared.
        """
        layout = self.layout
        with without_autocast(controller_output.device.type):
            raw = self._raw(controller_output, state)
            interface, usage = activate_lrua(split_lrua(raw, layout)), state.usage.detach()
            memory = recorder.memory(state.memory)
            heads = recorder.heads("write")
            before = heads.stage("read before", lambda: state.read_weights)
            least = heads.stage("least used", lambda: one_slot_each(least_used(usage, layout.heads), before))
            write_weights = heads.stage("write gate", partial(interpolate, before, least), gate=interface.gate)
            memory = lrua_write(memory, least, write_weights, heads.vector("add", interface.add))
            recorder.wrote(memory)
            heads = recorder.heads("read", state.read_weights)
            match = heads.stage("match", partial(lrua_similarity, memory), kind="similarity", key=interface.key)
            read_weights = heads.stage("look up", partial(look_up, match), strength=interface.strength)
            reads = heads.vector("read", read(memory, read_weights))
            usage = lrua_usage(usage, read_weights, write_weights, layout)
        return reads, LRUAState(memory, read_weights, usage, reads)

    def _raw(self, controller_output: Tensor, state: LRUAState) -> Tensor:
        # The memory has the parameters' precision; what stands for `interface` may have no parameter of that name.
        return self.interface(controller_output.to(state.memory.dtype))

    def extra_repr(self) -> str:
        """Sizes, for `repr`."""
        layout = self.layout
        return f"slots={self.slots}, width={layout.width}, heads={layout.heads}, usage_decay={layout.usage_decay}"
