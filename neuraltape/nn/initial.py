"""Where a machine starts: memory, focus and reads. Start value and trainability are separate switches."""

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neuraltape.functional import AccessState, InterfaceLayout
from neuraltape.nn.quick import know
from neuraltape.nn.resized import view

MemoryInit = Literal["constant", "random", "learned"]
MEMORY_INITS = ("constant", "random", "learned")

# Collier and Beel 2018 (arXiv 1807.08518), section 3.2: small, equal and not zero learns most reliably.
CONSTANT = 1e-6
# Of the normal distribution, cut at two standard deviations, that a random or learned start is drawn from.
DEVIATION = 0.5


class InitialAccess(nn.Module):
    """The access's state before the first step.

    Args:
        slots: N, rows of the memory.
        layout: heads and width.
        memory_init: "constant": 1e-6 everywhere; "random": one draw, kept with the machine; "learned": one draw,
            trained unless `train_memory` is False.
        train_memory: whether the start of the memory is a parameter; None: only if "learned".
        train_weights: whether the heads' first focus is trained, through logits. It starts on slot 0 either way.
        train_reads: whether the first reads are trained. They start at zero either way.
        device, dtype: of the parameters; None: PyTorch's defaults.
    """

    initial_memory: Tensor | None
    initial_logits: Tensor | None
    initial_reads: Tensor | None

    def __init__(
        self,
        slots: int,
        layout: InterfaceLayout,
        *,
        memory_init: MemoryInit = "constant",
        train_memory: bool | None = None,
        train_weights: bool = False,
        train_reads: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if memory_init not in MEMORY_INITS:
            raise ValueError(f"memory_init must be one of {', '.join(MEMORY_INITS)}; got {memory_init!r}")
        self.slots, self.layout, self.memory_init = slots, layout, memory_init
        self.train_memory = memory_init == "learned" if train_memory is None else train_memory
        of: dict[str, Any] = {"device": device, "dtype": dtype}
        memory = torch.empty(slots, layout.width, **of)
        if self.train_memory:
            self.initial_memory = nn.Parameter(memory)
        else:
            # A constant needs no tensor, so that a trained machine runs with any number of slots.
            self.register_buffer("initial_memory", None if memory_init == "constant" else memory)
        logits = nn.Parameter(torch.empty(layout.heads, slots, **of)) if train_weights else None
        self.register_parameter("initial_logits", logits)
        reads = nn.Parameter(torch.empty(layout.read_heads, layout.width, **of)) if train_reads else None
        self.register_parameter("initial_reads", reads)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set every start value anew."""
        if self.initial_memory is not None:
            if self.memory_init == "constant":
                self.initial_memory.fill_(CONSTANT)
            else:
                nn.init.trunc_normal_(self.initial_memory, std=DEVIATION, a=-2 * DEVIATION, b=2 * DEVIATION)
        if self.initial_logits is not None:
            # About 0.99 of the focus lies on slot 0, for any number of slots.
            self.initial_logits.zero_()[:, 0] = math.log(self.slots) + 5
        if self.initial_reads is not None:
            self.initial_reads.zero_()

    @property
    def fixed(self) -> bool:
        """Whether the start depends on no parameter and no buffer."""
        return self.initial_memory is None and self.initial_logits is None and self.initial_reads is None

    def check_slots(self, slots: int) -> None:
        """Raise ValueError if the start has numbers of its own for each slot, so that it fits no other number."""
        own = self.initial_memory is not None or self.initial_logits is not None
        if own and slots != self.slots:
            raise ValueError(
                f"memory_slots can't be {slots}: this machine's start is kept slot by slot, for its {self.slots} "
                "slots; only a constant start that isn't trained fits any number"
            )

    def resized(self, slots: int) -> "InitialAccess":
        """A view that starts a memory of so many slots. Raises ValueError as `check_slots` does."""
        self.check_slots(slots)
        return view(self, {}, slots=slots)

    def forward(self, batch_size: int, like: Tensor) -> AccessState:
        """The state for so many sequences, with the device and dtype of `like`."""
        slots, layout = self.slots, self.layout
        if self.initial_memory is None:
            memory = like.new_full((batch_size, slots, layout.width), CONSTANT)
        else:
            memory = self.initial_memory.expand(batch_size, -1, -1)
        if self.initial_logits is None:
            weights = like.new_zeros(batch_size, layout.heads, slots)
            weights.select(-1, 0).fill_(1)
        else:
            weights = self.initial_logits.softmax(-1).expand(batch_size, -1, -1)
        if self.initial_reads is None:
            reads = like.new_zeros(batch_size, layout.read_heads, layout.width)
        else:
            reads = self.initial_reads.expand(batch_size, -1, -1)
        read_weights, write_weights = weights.split([layout.read_heads, layout.write_heads], dim=1)
        return AccessState(memory, read_weights, write_weights, reads)

    def extra_repr(self) -> str:
        """Start values, for `repr`."""
        return f"memory_init={self.memory_init!r}, train_memory={self.train_memory}"


know(InitialAccess)


def given_memory(memory: Any, like: Tensor) -> Tensor:
    """A memory that somebody starts from, for every sequence.

    Args:
        memory: (batch, slots, width), or (slots, width) for all.
        like: the machine's own start, (batch, slots, width).

    Raises:
        TypeError: no tensor.
        ValueError: another shape, precision or device.
    """
    if not isinstance(memory, Tensor):
        raise TypeError(f"memory must be a tensor; got {type(memory).__name__}")
    if memory.shape not in (like.shape, like.shape[1:]):
        raise ValueError(
            f"memory must have shape {tuple(like.shape)}, or {tuple(like.shape[1:])} for all sequences; "
            f"got {tuple(memory.shape)}"
        )
    if memory.dtype != like.dtype or memory.device != like.device:
        raise ValueError(
            f"memory must be {like.dtype} on {like.device} like the parameters; got {memory.dtype} on {memory.device}"
        )
    return memory.expand_as(like)
