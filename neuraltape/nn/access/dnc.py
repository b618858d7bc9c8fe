"""Access by allocation, content and links: writes into slots that are free, reads in the order of writing."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from neuraltape.functional import (
    DNCInterface,
    DNCLayout,
    DNCState,
    allocation,
    content_weights,
    dnc_interface,
    dnc_step,
    dnc_write,
    follow,
    link,
    precedence,
    read,
    read_focus,
    sharpen_link,
    unfreed,
    usage,
    write_focus,
)
from neuraltape.functional.dnc import MASK_FLOOR
from neuraltape.nn.backend import without_autocast
from neuraltape.nn.checks import check_flag
from neuraltape.nn.initial import given_memory
from neuraltape.nn.machine_config import MOST_NUMBERS, MachineConfig
from neuraltape.nn.quick import like_of
from neuraltape.nn.record import Heads, Recorder
from neuraltape.nn.resized import view

MODES = ("backward", "content", "forward")


@dataclass(frozen=True)
class DNCConfig(MachineConfig):
    """The settings of a `DNC`.

    Raises:
        ValueError: a size or choice that makes no machine.
    """

    links: bool = True
    """Whether reads can follow the order in which slots were written."""
    masked: bool = False
    """Whether keys have a mask: which of their numbers count."""
    wipe: bool = False
    """Whether slots that are freed are emptied."""
    sharpen_links: bool = False
    """Whether what the links lead to is sharpened."""
    layer_norm: bool = False
    """Whether what the controller emits for the heads is normalised."""
    bypass_dropout: float = 0.0
    """How much of the controller's output doesn't reach the output layer while it trains, so that memory is needed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("links", "masked", "wipe", "sharpen_links", "layer_norm"):
            check_flag(name, getattr(self, name))
        self.layout()
        if self.links and self.memory_slots**2 > MOST_NUMBERS:
            raise ValueError(
                f"memory_slots must be at most {math.isqrt(MOST_NUMBERS):,} with links, which are a matrix of slots; "
                f"got {self.memory_slots:,}"
            )
        rate = self.bypass_dropout
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1 or math.isnan(rate):
            raise ValueError(f"bypass_dropout must be at least 0 and below 1; got {rate!r}")

    def layout(self) -> DNCLayout:
        """How the access divides what the controller emits, and what it has."""
        return DNCLayout(
            self.read_heads,
            self.memory_width,
            self.links,
            self.masked,
            self.wipe,
            self.sharpen_links,
            self.layer_norm,
        )


class DNCAccess(nn.Module):
    """Read heads and one write head: one linear layer from the controller's output to all their parameters.

    A step frees, allocates, writes, links and reads, see `neuraltape.functional.dnc_step`. Graves et al. (2016), Nature
    538:471, Methods. Everything starts at 0: memory, weightings, usage, links and precedence.

    Args:
        controller_size: numbers in the controller's output.
        slots: N, rows of the memory.
        layout: heads and width, and what the access has.
        device, dtype: of the parameters; None: PyTorch's defaults.
    """

    scheme = "dnc"
    state_type = DNCState
    fixed_start = True
    # Keys and add vectors have none; elsewhere a strength may be below 1.
    bounds: ClassVar[dict[str, tuple[float, float]]] = {
        "strength": (1.0, math.inf), "mask": (MASK_FLOOR, 1.0), "free": (0.0, 1.0), "usage": (0.0, 1.0),
        "allocation_gate": (0.0, 1.0), "write_gate": (0.0, 1.0), "modes": (0.0, 1.0),
    }  # fmt: skip
    # `forward` is in plain PyTorch.
    backend = "reference"

    def __init__(
        self,
        controller_size: int,
        slots: int,
        layout: DNCLayout,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.slots, self.layout = slots, layout
        self.interface = nn.Linear(controller_size, layout.size, device=device, dtype=dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew (Glorot uniform), with biases at zero."""
        nn.init.xavier_uniform_(self.interface.weight)
        nn.init.zeros_(self.interface.bias)

    def check_slots(self, slots: int) -> None:
        """Do nothing: the memory's start has no numbers of its own for each slot."""

    def resized(self, slots: int) -> "DNCAccess":
        """A view of this access with so many slots."""
        return view(self, {}, slots=slots)

    def initial_state(self, batch_size: int, memory: Tensor | None = None) -> DNCState:
        """The state before the first step; with a memory (batch, slots, width) or (slots, width), from that one.

        Raises:
            TypeError: a memory that is no tensor.
            ValueError: a memory of another shape, precision or device.
        """
        like = like_of(self, self.interface)
        parts = [like.new_zeros(shape) for shape in self.state_shapes(batch_size)]
        state = DNCState(*parts)
        return state if memory is None else state.replace(memory=given_memory(memory, state.memory))

    def state_shapes(self, batch_size: int) -> list[tuple[int, ...]]:
        """The shapes of the state's parts, for so many sequences."""
        heads, width, slots = self.layout.read_heads, self.layout.width, self.slots
        linked = slots if self.layout.links else 0
        return [
            (batch_size, slots, width),
            (batch_size, heads, slots),
            (batch_size, slots),
            (batch_size, slots),
            (batch_size, linked, linked),
            (batch_size, linked),
            (batch_size, heads, width),
        ]

    def forward(self, controller_output: Tensor, state: DNCState) -> tuple[Tensor, DNCState]:
        """One step. Stays in the parameters' precision under autocast.

        Args:
            controller_output: (batch, controller_size).
            state: the state after the step before.

        Returns:
            The reads (batch, read heads, width) and the state after this step.
        """
        with without_autocast(controller_output.device.type):
            state = dnc_step(self._raw(controller_output, state), state, self.layout)
        return state.reads, state

    def forward_in_stages(
        self, controller_output: Tensor, state: DNCState, recorder: Recorder
    ) -> tuple[Tensor, DNCState]:
        """`forward` on the reference backend, through a recorder.

        The write head's stages: content (key, strength), allocation (usage of every slot) and free or found (allocation
        gate, write gate). A read head's: free (free gate; the part of its last focus that is freed), then backward,
        content (key, strength) and forward, and modes; without links free and content only.
        """
        layout, reading = self.layout, slice(self.layout.read_heads)
        with without_autocast(controller_output.device.type):
            given = dnc_interface(self._raw(controller_output, state), layout)
            memory = recorder.memory(state.memory)
            heads = recorder.heads("read", state.read_weights)
            kept = unfreed(heads.stage("free", lambda free: free.unsqueeze(-1) * state.read_weights, free=given.free))
            used = usage(state.usage, state.write_weights.detach(), kept)
            heads = recorder.heads("write", state.write_weights.unsqueeze(1))
            content = _content(heads, memory, given, slice(layout.read_heads, None))[:, 0]
            offered = heads.stage(
                "allocation", lambda usage: allocation(usage[:, 0]).unsqueeze(1), usage=used.unsqueeze(1)
            )[:, 0]
            write_weights = heads.stage(
                "free or found",
                lambda **gates: write_focus(content, offered, **gates).unsqueeze(1),
                allocation_gate=given.allocation_gate,
                write_gate=given.write_gate,
            )[:, 0]
            erase, add = heads.vector("erase", given.erase), heads.vector("add", given.add)
            memory = dnc_write(memory, write_weights, erase, add, kept if layout.wipe else None)
            recorder.wrote(memory)
            heads = recorder.heads("read", state.read_weights)
            linked, last = state.link, state.precedence
            if given.modes is None:
                read_weights = _content(heads, memory, given, reading)
            else:
                linked = link(state.link, state.precedence, write_weights)
                last = precedence(state.precedence, write_weights)
                back, on = follow(linked, state.read_weights)
                back = _followed(heads, "backward", back, given.link_sharpness, 0)
                same = _content(heads, memory, given, reading)
                on = _followed(heads, "forward", on, given.link_sharpness, 1)
                read_weights = heads.stage(
                    "modes", partial(read_focus, back, same, on), modes=given.modes, ticks={"modes": MODES}
                )
            reads = heads.vector("read", read(memory, read_weights))
        return reads, DNCState(memory, read_weights, write_weights, used, linked, last, reads)

    def _raw(self, controller_output: Tensor, state: DNCState) -> Tensor:
        # The memory has the parameters' precision; what stands for `interface` may have no parameter of that name.
        return self.interface(controller_output.to(state.memory.dtype))

    def extra_repr(self) -> str:
        """Sizes, for `repr`."""
        layout = self.layout
        switches = ("links", "masked", "wipe", "sharpen_links", "layer_norm")
        has = ", ".join(f"{name}={getattr(layout, name)}" for name in switches)
        return f"slots={self.slots}, width={layout.width}, read_heads={layout.read_heads}, {has}"


def _content(heads: Heads, memory: Tensor, given: DNCInterface, rows: slice) -> Tensor:
    """The stage of some heads that looks for their keys."""
    mask: dict[str, Any] = {} if given.mask is None else {"mask": given.mask[:, rows]}
    focus = partial(content_weights, memory)
    return heads.stage("content", focus, key=given.key[:, rows], strength=given.strength[:, rows], **mask)


def _followed(heads: Heads, name: str, focus: Tensor, sharpness: Tensor | None, way: int) -> Tensor:
    """The stage that follows the links one way."""
    if sharpness is None:
        return heads.stage(name, lambda: focus)
    return heads.stage(name, partial(sharpen_link, focus), sharpness=sharpness[..., way])
