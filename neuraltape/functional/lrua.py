"""Access by least-recently-used writes (LRUA): one step, as pure functions. Knows no parameters.

Santoro et al. (2016), arXiv 1605.06065, section 3 ("the paper" here): every head writes where it read at the step
before or into a slot that has long not been used, and reads by content alone.

Each row of the raw interface holds, in this order:

| part     | numbers       | activation | range   |
|----------|---------------|------------|---------|
| key      | heads * width | tanh       | (-1, 1) |
| strength | heads         | softplus   | > 0     |
| gate     | heads         | sigmoid    | (0, 1)  |
| add      | heads * width | tanh       | (-1, 1) |
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import softplus

from neuraltape.functional.addressing import interpolate, look_up
from neuraltape.functional.memory import read
from neuraltape.functional.order import ascending
from neuraltape.functional.state import State
from neuraltape.printed import record_repr

# A row of memory much shorter than this is empty: it resembles nothing.
EMPTY = 0.1


@dataclass(frozen=True)
class LRUALayout:
    """How one row of the raw interface is divided among the heads. Each head writes, then reads."""

    access: ClassVar[str] = "lrua"
    """The name of the addressing scheme that it belongs to."""
    heads: int
    width: int
    usage_decay: float = 0.99
    """What is left of a slot's usage after one step (the paper: 0.99)."""

    def __post_init__(self) -> None:
        for name in ("heads", "width"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{name} must be a positive integer; got {value!r}")
        if not 0 <= self.usage_decay <= 1:
            raise ValueError(f"usage_decay must be from 0 to 1; got {self.usage_decay!r}")

    @property
    def read_heads(self) -> int:
        """All heads read."""
        return self.heads

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """How many numbers each part has, in the order of `LRUAInterface`."""
        return self.heads * self.width, self.heads, self.heads, self.heads * self.width

    @property
    def size(self) -> int:
        """How many raw numbers there are in all."""
        return sum(self.sizes)


class LRUAInterface(NamedTuple):
    """The parameters of all heads at one step, raw or activated."""

    key: Tensor
    """What to look for, (batch, heads, width)."""
    strength: Tensor
    """(batch, heads)."""
    gate: Tensor
    """1: write where the head read at the step before; 0: into a least-used slot. (batch, heads)."""
    add: Tensor
    """What to store, (batch, heads, width)."""

    __repr__ = record_repr


class LRUAState(State):
    """What the memory and its heads carry from one step to the next."""

    memory: Tensor
    """M_t, (batch, slots, width)."""
    read_weights: Tensor
    """w^r_t, (batch, heads, slots)."""
    usage: Tensor
    """w^u_t, (batch, slots). It orders the slots and has no gradient."""
    reads: Tensor
    """r_t, (batch, heads, width): what the controller sees at the next step."""


def split_lrua(raw: Float[Tensor, "batch size"], layout: LRUALayout) -> LRUAInterface:
    """Divide raw controller outputs among the heads, without activations.

    Raises:
        ValueError: `raw` does not have `layout.size` columns.
    """
    if raw.shape[-1] != layout.size:
        raise ValueError(f"raw must have {layout.size} columns for {layout}; its shape is {tuple(raw.shape)}")
    key, strength, gate, add = raw.split(layout.sizes, dim=-1)
    rows = (layout.heads, layout.width)
    return LRUAInterface(key.unflatten(-1, rows), strength, gate, add.unflatten(-1, rows))


def activate_lrua(raw: LRUAInterface) -> LRUAInterface:
    """Bring raw head parameters into their ranges, as the table at the top of this module says."""
    return LRUAInterface(raw.key.tanh(), softplus(raw.strength), raw.gate.sigmoid(), raw.add.tanh())


def least_used(usage: Float[Tensor, "batch slots"], count: int) -> Int[Tensor, "batch count"]:
    """The slots with the smallest usage, the smallest first; of equal ones the first. Paper, equation 6.

    Raises:
        ValueError: there are fewer slots.
    """
    if not 1 <= count <= usage.shape[-1]:
        raise ValueError(f"count must be from 1 to the number of slots, {usage.shape[-1]}; got {count}")
    return ascending(usage)[:, :count]


def lrua_write_weights(
    read_weights: Float[Tensor, "batch heads slots"],
    least: Int[Tensor, "batch heads"],
    gate: Float[Tensor, "batch heads"],
) -> Float[Tensor, "batch heads slots"]:
    """Where each head writes: gate * (where it last read) + (1 - gate) * (its least-used slot). Paper, equation 7.

    Args:
        read_weights: w^r_{t-1}.
        least: a slot for each head.
        gate: sigmoid(alpha), in [0, 1].

    Returns:
        w^w_t, non-negative, sums to 1 over slots.
    """
    return interpolate(read_weights, one_slot_each(least, read_weights), gate)


def one_slot_each(slots: Int[Tensor, "batch heads"], like: Float[Tensor, "batch heads slots"]) -> Tensor:
    """All of each head's focus on a slot of its own, in the form of `like`."""
    return torch.zeros_like(like).scatter(-1, slots.unsqueeze(-1), 1.0)


def lrua_write(
    memory: Float[Tensor, "batch slots width"],
    fresh: Float[Tensor, "batch heads slots"],
    weights: Float[Tensor, "batch heads slots"],
    add: Float[Tensor, "batch heads width"],
) -> Float[Tensor, "batch slots width"]:
    """Clear the slots that the heads were given, then add. Paper, equation 8 and the text above it.

    Args:
        memory: M_{t-1}.
        fresh: where each head's least-used slot is; all of these are cleared.
        weights: w^w_t.
        add: what each head stores.

    Returns:
        M_t.
    """
    cleared = (fresh > 0).any(1)
    return memory.masked_fill(cleared.unsqueeze(-1), 0) + weights.transpose(-1, -2) @ add


def lrua_usage(
    usage: Float[Tensor, "batch slots"],
    read_weights: Float[Tensor, "batch heads slots"],
    write_weights: Float[Tensor, "batch heads slots"],
    layout: LRUALayout,
) -> Float[Tensor, "batch slots"]:
    """How much each slot has been in use: decay * usage + sum of all weights. Paper, equation 5. It has no gradient."""
    return layout.usage_decay * usage + (read_weights + write_weights).detach().sum(1)


def lrua_read_weights(
    memory: Float[Tensor, "batch slots width"],
    key: Float[Tensor, "batch heads width"],
    strength: Float[Tensor, "batch heads"],
) -> Float[Tensor, "batch heads slots"]:
    """Where each head reads: softmax over slots of strength times similarity. Paper, equations 2 and 3."""
    return look_up(lrua_similarity(memory, key), strength)


def lrua_similarity(
    memory: Float[Tensor, "batch slots width"],
    key: Float[Tensor, "batch heads width"],
) -> Float[Tensor, "batch heads slots"]:
    """How much each slot resembles the key: the cosine, made less for short rows. Paper, equation 2.

    Lengths are rounded up, |v| to sqrt(|v|^2 + EMPTY^2). A write to where a head last read leaves a trace of itself in
    every slot that had some of the focus; with exact cosines a slot that holds a trace would be as similar as one that
    holds the thing itself.
    """
    return _direction(key) @ _direction(memory).transpose(-1, -2)


def _direction(vectors: Float[Tensor, "batch rows width"]) -> Float[Tensor, "batch rows width"]:
    """Long rows scaled to length 1, short ones less."""
    return vectors * (vectors.square().sum(-1, keepdim=True) + EMPTY**2).rsqrt()


def lrua_step(raw: Float[Tensor, "batch size"], state: LRUAState, layout: LRUALayout) -> LRUAState:
    """Clear the least-used slots and write; read by content; count the use. Paper, equations 2 to 8.

    Where the paper is silent or departed from:
    - the h-th head gets the h-th least used slot, so that heads do not write over each other, and all of these are
      cleared first;
    - what is written is a vector of its own, not the key to read with, so that a step can store the last image while
      it looks for the present one;
    - the softmax has a strength, as in the Neural Turing Machine: cosines alone give 128 slots an almost even focus.

    Args:
        raw: what the controller emits for the heads, before activations, (batch, layout.size).
        state: the state after the step before.
        layout: how `raw` is divided among the heads.

    Returns:
        The state after this step; its `reads` are what the heads returned.
    """
    interface = activate_lrua(split_lrua(raw, layout))
    usage = state.usage.detach()
    least = least_used(usage, layout.heads)
    write_weights = lrua_write_weights(state.read_weights, least, interface.gate)
    memory = lrua_write(state.memory, one_slot_each(least, state.read_weights), write_weights, interface.add)
    read_weights = lrua_read_weights(memory, interface.key, interface.strength)
    reads = read(memory, read_weights)
    usage = lrua_usage(usage, read_weights, write_weights, layout)
    return LRUAState(memory, read_weights, usage, reads)
