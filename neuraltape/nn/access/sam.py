"""Sparse access: writes to what was read before and to what was accessed least recently, reads the nearest slots."""

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from neuraltape.functional import (
    SAMLayout,
    SAMState,
    accessed,
    activate_sam,
    aged,
    follow_slots,
    interpolate,
    least_recent,
    linked_after,
    look_up_nearest,
    lrua_write,
    mixed_focus,
    nearest,
    on_slots,
    one_slot_each,
    read,
    sam_step,
    similarity,
    split_sam,
    touched,
)
from neuraltape.functional.order import largest
from neuraltape.functional.sam import NEVER
from neuraltape.kernels.around import settled
from neuraltape.nn.access.dnc import MODES
from neuraltape.nn.backend import without_autocast
from neuraltape.nn.checks import check_flag, check_size
from neuraltape.nn.initial import given_memory
from neuraltape.nn.machine_config import MachineConfig
from neuraltape.nn.quick import like_of
from neuraltape.nn.record import Recorder
from neuraltape.nn.resized import view

# Biases at the start, before softplus and sigmoid.
STRENGTH, GATE = 8.0, -2.0


@dataclass(frozen=True)
class SAMConfig(MachineConfig):
    """The settings of a `SAM`.

    Raises:
        ValueError: a size or choice that makes no machine.
    """

    memory_slots: int = 2**20
    """Slots (rows) of the memory; those that were never touched cost nothing."""
    memory_width: int = 32
    """Numbers in each slot."""
    read_heads: int = 4
    """Heads: each writes, then reads."""
    sparse_reads: int = 4
    """How many slots a head reads."""
    sparse_links: int = 0
    """How many links of a slot are kept each way, so that heads can follow the order of writing; 0: none."""
    one_late: bool = False
    """Whether what is written starts as the key of the step before, for answers that are shown one step late."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_size("sparse_reads", self.sparse_reads)
        check_size("sparse_links", self.sparse_links, least=0)
        check_flag("one_late", self.one_late)
        if self.one_late and self.controller != "lstm":
            raise ValueError(f"one_late belongs to the lstm controller; got True with {self.controller}")
        self.layout()

    def layout(self) -> SAMLayout:
        """How the access divides what the controller emits, and what it has."""
        _check_slots(self.memory_slots, self)
        return SAMLayout(self.read_heads, self.memory_width, self.sparse_reads, self.memory_slots, self.sparse_links)


def _check_slots(slots: int, sizes: SAMConfig | SAMLayout) -> None:
    """Raise ValueError for a number of slots that heads of these sizes can't have."""
    for name in ("read_heads", "sparse_reads", "sparse_links"):
        if slots < getattr(sizes, name):
            raise ValueError(f"memory_slots must be at least as many as {name}, {getattr(sizes, name)}; got {slots}")
    if slots > NEVER:
        raise ValueError(f"memory_slots must be at most {int(NEVER):,}; got {slots:,}")


class SAMAccess(nn.Module):
    """Heads that write, then read: one linear layer from the controller's output to all head parameters.

    w^w_t = alpha (gamma w^r_{t-1} + (1 - gamma) I), I on the least recently accessed slot, which is cleared; w^r_t =
    softmax(strength * cosine) over the K nearest slots. Rae et al. (2016), arXiv 1610.09027; where this departs from
    the paper: `neuraltape.functional.sam_step`. Everything starts at 0, and only slots that were touched are kept.

    Args:
        controller_size: numbers in the controller's output.
        layout: heads, width, and how many slots there are and are read.
        device, dtype: of the parameters; None: PyTorch's defaults.
    """

    scheme = "sam"
    state_type = SAMState
    bounds: ClassVar[dict[str, tuple[float, float]]] = {
        "key": (-1.0, 1.0), "add": (-1.0, 1.0), "write_gate": (0.0, 1.0), "modes": (0.0, 1.0),
    }  # fmt: skip
    fixed_start = True
    # `forward` is in plain PyTorch.
    backend = "reference"

    def __init__(
        self,
        controller_size: int,
        layout: SAMLayout,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.slots, self.layout = layout.slots, layout
        self.interface = nn.Linear(controller_size, layout.size, device=device, dtype=dtype)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the weights anew (Glorot uniform), with biases such that memory is of use from the start.

        Heads start with a strength that tells slots apart, and with fresh slots to write into.
        """
        nn.init.xavier_uniform_(self.interface.weight)
        nn.init.zeros_(self.interface.bias)
        _, strength, _, gate, *_ = self.interface.bias.split(self.layout.sizes)
        strength.fill_(STRENGTH)
        gate.fill_(GATE)

    def with_room(self, state: SAMState, steps: int) -> SAMState:
        """A state with all rows that so many steps can touch, for who wants the same ones at each of them."""
        layout = self.layout
        return state.with_rows(min(layout.slots, state.memory.shape[1] + steps * layout.touched))

    def check_slots(self, slots: int) -> None:
        """Raise ValueError for fewer slots than heads take, or more than can be counted."""
        _check_slots(slots, self.layout)

    def resized(self, slots: int) -> "SAMAccess":
        """A view of this access with so many slots. Raises ValueError as `check_slots` does."""
        self.check_slots(slots)
        return view(self, {}, slots=slots, layout=replace(self.layout, slots=slots))

    def initial_state(self, batch_size: int, memory: Tensor | None = None) -> SAMState:
        """The state before the first step; with a memory, from that one.

        Args:
            batch_size: how many sequences.
            memory: what the first slots hold, (batch, rows, width) or (rows, width), up to `slots` rows. They are
                there, so all of them are searched at every step; none of them was accessed yet, so the first of them
                are the first that are written over.

        Raises:
            TypeError: a memory that is no tensor.
            ValueError: a memory of another shape, precision or device.
        """
        layout, like = self.layout, like_of(self, self.interface)
        heads, count, width = layout.read_heads, layout.sparse_reads, layout.width
        rows = like.new_zeros(batch_size, count, width)
        if memory is not None:
            # A memory of another form is compared with the rows of a start.
            given = memory.shape[-2] if isinstance(memory, Tensor) and memory.dim() > 1 else count
            if not 1 <= given <= self.slots:
                raise ValueError(f"memory must have 1 to {self.slots:,} rows; got {given:,}")
            memory = given_memory(memory, like.new_zeros(1).expand(batch_size, given, width))
            rows = pad(memory, (0, 0, 0, max(0, count - given)))
        first = torch.arange(count, dtype=like.dtype, device=like.device)
        return SAMState(
            rows,
            first.expand(batch_size, heads, count).clone(),
            like.new_zeros(batch_size, heads, count),
            like.new_full(rows.shape[:2], NEVER),
            like.new_full((batch_size,), rows.shape[1]),
            like.new_zeros(batch_size, heads, rows.shape[1], 4, layout.sparse_links),
            like.new_zeros(batch_size, heads, 2, layout.sparse_links),
            like.new_zeros(batch_size, heads, width),
        )

    def state_shapes(self, batch_size: int) -> list[tuple[int, ...]]:
        """The shapes of a state's parts at the start, for so many sequences; memory, age and links grow from there."""
        layout = self.layout
        heads, count, width = layout.read_heads, layout.sparse_reads, layout.width
        sparse = (batch_size, heads, count)
        return [
            (batch_size, count, width),
            sparse,
            sparse,
            (batch_size, count),
            (batch_size,),
            (batch_size, heads, count, 4, layout.sparse_links),
            (batch_size, heads, 2, layout.sparse_links),
            (batch_size, heads, width),
        ]

    def forward(self, controller_output: Tensor, state: SAMState) -> tuple[Tensor, SAMState]:
        """One step. Stays in the parameters' precision under autocast.

        Args:
            controller_output: (batch, controller_size).
            state: the state after the step before.

        Returns:
            The reads (batch, heads, width) and the state after this step.
        """
        with without_autocast(controller_output.device.type):
            state = sam_step(self._raw(controller_output, state), state, self.layout)
        state = settled(state)
        return state.reads, state

    def forward_in_stages(
        self, controller_output: Tensor, state: SAMState, recorder: Recorder
    ) -> tuple[Tensor, SAMState]:
        """`forward` through a recorder, over the slots that are kept: the state has room for the step.

        The stages of a head as it writes: read before (its focus one step before), least recent (the slot it may have)
        and write gates (gate, write gate; the paper's equation 5). As it reads: match (key) and nearest (strength;
        equation 4); with links then backward, forward and modes. The slots that the heads have at "least recent" are
        those that are cleared. Of a read focus that is changed from outside, the state carries the largest weights, as
        many as a head reads.
        """
        layout = self.layout
        with without_autocast(controller_output.device.type):
            given = activate_sam(split_sam(self._raw(controller_output, state), layout))
            memory = recorder.memory(state.memory)
            before_all = on_slots(state.read_slots.long(), state.read_weights, state.age.shape[-1])
            least = least_recent(state.age, layout.read_heads)
            heads = recorder.heads("write")
            before = heads.stage("read before", lambda: before_all)
            fresh = heads.stage("least recent", lambda: one_slot_each(least, before))
            write_weights = heads.stage(
                "write gates",
                lambda write_gate, gate: write_gate.unsqueeze(-1) * interpolate(before, fresh, gate),
                write_gate=given.write_gate,
                gate=given.gate,
            )
            memory = lrua_write(memory, fresh, write_weights, heads.vector("add", given.add))
            recorder.wrote(memory)
            heads = recorder.heads("read", before_all)
            match = heads.stage("match", partial(similarity, memory), kind="similarity", key=given.key)
            slots = nearest(match, layout.sparse_reads)
            focus = heads.stage(
                "nearest", lambda strength: look_up_nearest(match, strength, slots), strength=given.strength
            )
            links, last = state.links, state.precedence
            if given.modes is not None:
                linked, links, last = linked_after(state, write_weights, layout)
                back, on = follow_slots(linked, state.read_slots.long(), state.read_weights)
                back, on = heads.stage("backward", lambda: back), heads.stage("forward", lambda: on)
                mixed = partial(mixed_focus, back, focus, on, count=layout.sparse_reads)
                focus = heads.stage("modes", mixed, modes=given.modes, ticks={"modes": MODES})
            reads = heads.vector("read", read(memory, focus))
            if recorder.acting or given.modes is not None:
                slots = largest(focus, layout.sparse_reads)
            age = aged(state.age, accessed(focus, write_weights))
            used = touched(state.used, least, slots)
        slots_now = slots.to(memory.dtype)
        return reads, SAMState(memory, slots_now, focus.gather(-1, slots), age, used, links, last, reads)

    def _raw(self, controller_output: Tensor, state: SAMState) -> Tensor:
        # The memory has the parameters' precision; what stands for `interface` may have no parameter of that name.
        return self.interface(controller_output.to(state.memory.dtype))

    def extra_repr(self) -> str:
        """Sizes, for `repr`."""
        layout = self.layout
        return (
            f"slots={self.slots}, width={layout.width}, read_heads={layout.read_heads}, "
            f"sparse_reads={layout.sparse_reads}, sparse_links={layout.sparse_links}"
        )
