"""Sparse access: one step of the Sparse Access Memory's heads, as pure functions. Knows no parameters.

Rae et al. (2016), arXiv 1610.09027 ("the paper" here): every head reads a few slots, and writes to those that it read
at the step before and to the slot that was accessed least recently. Here everything is dense and written out; the
kernels keep only what was touched. With sparse links it is the Sparse Differentiable Neural Computer of the paper's
supplement: see `neuraltape.functional.sparse_links`.

Each row of the raw interface holds, in this order:

| part       | numbers       | activation | range   |
|------------|---------------|------------|---------|
| key        | heads * width | tanh       | (-1, 1) |
| strength   | heads         | softplus   | > 0     |
| write_gate | heads         | sigmoid    | (0, 1)  |
| gate       | heads         | sigmoid    | (0, 1)  |
| add        | heads * width | tanh       | (-1, 1) |
| modes      | heads * 3     | softmax    | (0, 1)  |

Modes, the shares of backward, content and forward, are there with sparse links only.

A state keeps the first slots only, so many as were ever touched. All others are as they were at the start: empty,
never accessed, and later in every order than those that are kept. So slots are touched in the order of their numbers,
and what is kept is exact.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import pad, softplus

from neuraltape.functional.addressing import interpolate, similarity
from neuraltape.functional.dnc import read_focus
from neuraltape.functional.lrua import lrua_write, one_slot_each
from neuraltape.functional.memory import read
from neuraltape.functional.order import largest
from neuraltape.functional.sparse_links import (
    follow_slots,
    from_lists,
    on_slots,
    sparse_link,
    sparse_precedence,
    to_lists,
)
from neuraltape.functional.state import State
from neuraltape.printed import record_repr

# A slot counts as accessed by a step whose weights there, of all heads, reading and writing, sum to more (the paper's
# delta).
ACCESSED = 0.005
# The age of a slot that was never accessed; every other age is less. Up to here float32 counts one by one.
NEVER = 2.0**24
# So many numbers of dense links at most, a matrix of the kept slots for each head and sequence.
MOST_LINKS = 2**28


@dataclass(frozen=True)
class SAMLayout:
    """How one row of the raw interface is divided among the heads. Each head writes, then reads."""

    access: ClassVar[str] = "sam"
    """The name of the addressing scheme that it belongs to."""
    read_heads: int
    width: int
    sparse_reads: int
    """K: how many slots a head reads."""
    slots: int
    """N: how many there are, however few a state keeps."""
    sparse_links: int = 0
    """K_L: how many links of a slot are kept each way, and how many slots of the precedence; 0: none."""

    def __post_init__(self) -> None:
        for name in ("read_heads", "width", "sparse_reads", "slots"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{name} must be a positive integer; got {value!r}")
        if type(self.sparse_links) is not int or self.sparse_links < 0:
            raise ValueError(f"sparse_links must be an integer from 0 on; got {self.sparse_links!r}")
        for name in ("read_heads", "sparse_reads", "sparse_links"):
            if self.slots < getattr(self, name):
                raise ValueError(f"slots must be at least as many as {name}, {getattr(self, name)}; got {self.slots}")
        if self.slots > NEVER:
            raise ValueError(f"slots must be at most {int(NEVER):,}, whose numbers float32 holds; got {self.slots:,}")

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many numbers each part has, in the order of `SAMInterface`."""
        heads, numbers = self.read_heads, self.read_heads * self.width
        return numbers, heads, heads, heads, numbers, 3 * heads if self.sparse_links else 0

    @property
    def size(self) -> int:
        """How many raw numbers there are in all."""
        return sum(self.sizes)

    @property
    def touched(self) -> int:
        """How many slots one step touches for the first time, at most: one a head to write, and those that are read.

        Heads that read empty slots read the same ones, the first. Links lead to slots that were written.
        """
        return self.read_heads + self.sparse_reads


class SAMInterface(NamedTuple):
    """The parameters of all heads at one step, raw or activated."""

    key: Tensor
    """What to look for, (batch, heads, width)."""
    strength: Tensor
    """(batch, heads)."""
    write_gate: Tensor
    """0: write nothing. The paper's alpha, (batch, heads)."""
    gate: Tensor
    """1: write where the head read at the step before; 0: into its least recent slot. The paper's gamma, (batch,
    heads)."""
    add: Tensor
    """What to store, (batch, heads, width)."""
    modes: Tensor | None = None
    """How much the focus is from going backward, from content and from going forward, (batch, heads, 3); None without
    links."""

    __repr__ = record_repr


class SAMState(State):
    """What the memory and its heads carry from one step to the next. Kept: the first slots, all that were touched.

    Of two states with other numbers of rows the shorter one is filled up where they are combined.
    """

    memory: Tensor
    """M_t, (batch, kept, width)."""
    read_slots: Tensor
    """Which slots each head read, the nearest first, (batch, heads, sparse reads)."""
    read_weights: Tensor
    """How much of each, w^r_t, (batch, heads, sparse reads)."""
    age: Tensor
    """How many steps ago each slot was accessed, `NEVER` for never, (batch, kept)."""
    used: Tensor
    """How many slots were touched or given, from the first on, (batch,)."""
    links: Tensor
    """L_t: for each slot those that each head wrote right before it, how much, those that it wrote right after it, how
    much, (batch, heads, kept, 4, sparse links). An empty place is slot 0 and 0."""
    precedence: Tensor
    """p_t: the slots that each head wrote last, and how much, (batch, heads, 2, sparse links)."""
    reads: Tensor
    """r_t, (batch, heads, width): what the controller sees at the next step."""

    def with_rows(self, kept: int) -> "SAMState":
        """The same with at least so many rows, those behind as at the start."""
        missing = kept - self.memory.shape[1]
        if missing <= 0:
            return self
        return self.replace(
            memory=pad(self.memory, (0, 0, 0, missing)),
            age=pad(self.age, (0, missing), value=NEVER),
            links=pad(self.links, (0, 0, 0, 0, 0, missing)),
        )

    def alike(self, *others: Any) -> tuple[Any, ...]:
        """This and others, all with the rows of the longest."""
        if not all(each.has_rows for each in (self, *others)):
            return self, *others
        kept = max(each.memory.shape[1] for each in (self, *others))
        return tuple(each.with_rows(kept) for each in (self, *others))

    @property
    def has_rows(self) -> bool:
        """Whether the parts that have rows have as many axes as they should: what came may be anything."""
        return self.memory.dim() == 3 and self.age.dim() == 2 and self.links.dim() == 5

    def check_values(self) -> None:
        """Raise ValueError unless the slots that it names are there: below `used`, for which there are rows."""
        used, rows = self.used, self.memory.shape[1]
        if type(used) is not Tensor or used.is_meta or used.numel() == 0:
            return
        least, most = used.aminmax()
        if not (least.item() > 0 and most.item() <= rows) or used.frac().any():
            wrong = _wrong(used, rows + 1, 1)
            raise ValueError(f"used must be whole numbers from 1 to the rows that are kept, {rows}; got {wrong}")
        for name, slots in (
            ("read_slots", self.read_slots),
            ("links", self.links[..., ::2, :]),
            ("precedence", self.precedence[..., 0, :]),
        ):
            if slots.numel() == 0:
                continue
            slots = slots.flatten(1)
            lowest, highest = slots.aminmax(dim=1)
            if not ((lowest >= 0) & (highest < used)).all() or slots.frac().any():
                below = used.unsqueeze(1)
                raise ValueError(
                    f"{name} must name slots, whole numbers from 0 to one less than used, {used.tolist()}; "
                    f"got {_wrong(slots, below)}"
                )

    def settled(self) -> "SAMState":
        """The same without the rows that no sequence has touched. Its shape depends on what is in it.

        Raises:
            ValueError: `used` is no number, which is how kernels answer a state that names slots that are not there.
        """
        used = self.used
        if type(used) is not Tensor or used.is_meta or used.numel() == 0:
            return self
        kept = used.max().item()
        if kept != kept:
            raise ValueError(
                "read_slots, links and precedence of a state must name slots below used, and used must be at most the "
                "rows that are kept; got a state that names others"
            )
        kept = int(kept)
        if kept == self.memory.shape[1]:
            return self
        return self.replace(memory=self.memory[:, :kept], age=self.age[:, :kept], links=self.links[:, :, :kept])


def _wrong(numbers: Tensor, below: Any, least: int = 0) -> float:
    """The first of some numbers that is not whole, from the least on, and below a limit."""
    return numbers[~((numbers >= least) & (numbers < below) & (numbers == numbers.floor()))][0].item()


def split_sam(raw: Float[Tensor, "batch size"], layout: SAMLayout) -> SAMInterface:
    """Divide raw controller outputs among the heads, without activations.

    Raises:
        ValueError: `raw` does not have `layout.size` columns.
    """
    if raw.shape[-1] != layout.size:
        raise ValueError(f"raw must have {layout.size} columns for {layout}; its shape is {tuple(raw.shape)}")
    key, strength, write_gate, gate, add, modes = raw.split(layout.sizes, dim=-1)
    rows = (layout.read_heads, layout.width)
    ways = modes.unflatten(-1, (layout.read_heads, 3)) if layout.sparse_links else None
    return SAMInterface(key.unflatten(-1, rows), strength, write_gate, gate, add.unflatten(-1, rows), ways)


def activate_sam(raw: SAMInterface) -> SAMInterface:
    """Bring raw head parameters into their ranges, as the table at the top of this module says."""
    return SAMInterface(
        raw.key.tanh(),
        softplus(raw.strength),
        raw.write_gate.sigmoid(),
        raw.gate.sigmoid(),
        raw.add.tanh(),
        None if raw.modes is None else raw.modes.softmax(-1),
    )


def nearest(similarity: Float[Tensor, "batch heads slots"], count: int) -> Int[Tensor, "batch heads count"]:
    """The slots that resemble the keys most, the nearest first; of equally near ones the first. Paper, section 3.1.

    Cosines that differ by less than 1.5e-5 may count as equal, see `order.largest`. What is no number comes first, so
    that it is seen.

    Raises:
        ValueError: there are fewer slots.
    """
    if not 1 <= count <= similarity.shape[-1]:
        raise ValueError(f"count must be from 1 to the number of slots, {similarity.shape[-1]}; got {count}")
    return largest(similarity, count)


def look_up_nearest(
    similarity: Float[Tensor, "batch heads slots"],
    strength: Float[Tensor, "batch heads"],
    slots: Int[Tensor, "batch heads count"],
) -> Float[Tensor, "batch heads slots"]:
    """Focus on some slots: softmax over these of strength times similarity, 0 elsewhere. Paper, equation 4.

    Args:
        similarity: K(k_t, M_t).
        strength: beta_t >= 0. The paper has none, and an almost even softmax over K cosines.
        slots: distinct, those of each head.

    Returns:
        w^r_t: as many positive weights as there are slots, which sum to 1.
    """
    chosen = torch.softmax(strength.unsqueeze(-1) * similarity.gather(-1, slots), -1)
    return on_slots(slots, chosen, similarity.shape[-1])


def mixed_focus(
    backward: Float[Tensor, "batch heads slots"],
    content: Float[Tensor, "batch heads slots"],
    forward: Float[Tensor, "batch heads slots"],
    modes: Float[Tensor, "batch heads 3"],
    count: int,
) -> Float[Tensor, "batch heads slots"]:
    """Where a head with links reads: `read_focus` of the three, of which the largest weights are kept.

    What the others had is lost, so the weights sum to at most 1.
    """
    focus = read_focus(backward, content, forward, modes)
    slots = largest(focus, count)
    return on_slots(slots, focus.gather(-1, slots), focus.shape[-1])


def least_recent(age: Float[Tensor, "batch slots"], count: int) -> Int[Tensor, "batch count"]:
    """The slots that were accessed longest ago, the longest first; of equals the first. Paper, section 3.2.

    Raises:
        ValueError: there are fewer slots.
    """
    if not 1 <= count <= age.shape[-1]:
        raise ValueError(f"count must be from 1 to the number of slots, {age.shape[-1]}; got {count}")
    return age.argsort(dim=-1, descending=True, stable=True)[:, :count]


def sam_write_weights(
    before: Float[Tensor, "batch heads slots"],
    least: Int[Tensor, "batch heads"],
    write_gate: Float[Tensor, "batch heads"],
    gate: Float[Tensor, "batch heads"],
) -> Float[Tensor, "batch heads slots"]:
    """Where each head writes: alpha (gamma w^r_{t-1} + (1 - gamma) I). Paper, equation 5.

    Args:
        before: w^r_{t-1}.
        least: a slot for each head, on which I stands.
        write_gate: alpha in [0, 1].
        gate: gamma in [0, 1].

    Returns:
        w^w_t: K + 1 weights a head that are not 0, at most; they sum to alpha at most.
    """
    return write_gate.unsqueeze(-1) * interpolate(before, one_slot_each(least, before), gate)


def accessed(
    read_weights: Float[Tensor, "batch heads slots"], write_weights: Float[Tensor, "batch heads slots"]
) -> Bool[Tensor, "batch slots"]:
    """The slots whose weights sum to more than `ACCESSED`. Paper, section 3.2."""
    return (read_weights + write_weights).detach().sum(1) > ACCESSED


def aged(age: Float[Tensor, "batch slots"], accessed: Bool[Tensor, "batch slots"]) -> Float[Tensor, "batch slots"]:
    """How many steps ago each slot was accessed, after a step. What was never accessed stays at `NEVER`."""
    older = torch.where(age < NEVER, (age + 1).clamp(max=NEVER - 1), age)
    return older.masked_fill(accessed, 0)


def touched(used: Float[Tensor, "batch"], *slots: Int[Tensor, "batch ..."]) -> Float[Tensor, "batch"]:
    """How many slots have been touched, from the first on, when these have been too."""
    for each in slots:
        used = used.maximum(each.flatten(1).amax(1).to(used.dtype) + 1)
    return used


def linked_after(
    state: SAMState, write_weights: Float[Tensor, "batch heads slots"], layout: SAMLayout
) -> tuple[Float[Tensor, "batch heads slots slots"], Float[Tensor, "..."], Float[Tensor, "..."]]:
    """The links after a write: dense, to follow them, and what the next state keeps of them and of the precedence.

    Without a gradient: none flows through the links (Rae et al., supplement).

    Raises:
        ValueError: they are too many to be dense.
    """
    count, numbers = layout.sparse_links, write_weights.numel() * write_weights.shape[-1]
    if numbers > MOST_LINKS:
        raise ValueError(
            f"state must keep few enough slots for dense links, {MOST_LINKS:,} numbers for all heads and sequences; "
            f"got {write_weights.shape[-1]:,} slots, {numbers:,} numbers"
        )
    slots, written = write_weights.shape[-1], write_weights.detach()
    last = from_lists(state.precedence.detach(), slots)
    linked = sparse_link(from_lists(state.links.detach()[..., :2, :], slots), last, written, count)
    lists = torch.cat([to_lists(linked, count), to_lists(linked.transpose(-1, -2), count)], -2)
    return linked, lists, to_lists(sparse_precedence(last, written, count), count)


def sam_step(raw: Float[Tensor, "batch size"], state: SAMState, layout: SAMLayout) -> SAMState:
    """Clear the least recent slots and write; read the nearest; note what was accessed. Paper, sections 3.1 and 3.2.

    Where the paper is silent or departed from:
    - the h-th head gets the h-th least recent slot; all of these are cleared, then all heads add;
    - the softmax has a strength, as in the Neural Turing Machine;
    - slots that were accessed by the same step are equally recent, so the lower number is written first;
    - near ties of cosines count as ties, see `nearest`;
    - with sparse links each head links what it wrote itself, and the largest weights of its focus are kept, as many as
      it reads by content alone; see `neuraltape.functional.sparse_links`.

    Args:
        raw: what the controller emits for the heads, before activations, (batch, layout.size).
        state: the state after the step before, with any number of rows.
        layout: how `raw` is divided among the heads.

    Returns:
        The state after this step; its `reads` are what the heads returned. It has `layout.touched` rows more, but not
        more than there are slots.

    Raises:
        ValueError: the memory has more rows than there are slots, or more than links can be dense for.
    """
    given = activate_sam(split_sam(raw, layout))
    if state.memory.shape[1] > layout.slots:
        raise ValueError(f"memory must have at most {layout.slots:,} rows; got {state.memory.shape[1]:,}")
    state = state.with_rows(min(layout.slots, state.memory.shape[1] + layout.touched))
    before = on_slots(state.read_slots.long(), state.read_weights, state.age.shape[-1])
    least = least_recent(state.age.detach(), layout.read_heads)
    write_weights = sam_write_weights(before, least, given.write_gate, given.gate)
    memory = lrua_write(state.memory, one_slot_each(least, before), write_weights, given.add)
    match = similarity(memory, given.key)
    slots = nearest(match, layout.sparse_reads)
    read_weights = look_up_nearest(match, given.strength, slots)
    links, last = state.links, state.precedence
    if given.modes is not None:
        linked, links, last = linked_after(state, write_weights, layout)
        back, on = follow_slots(linked, state.read_slots.long(), state.read_weights)
        read_weights = mixed_focus(back, read_weights, on, given.modes, layout.sparse_reads)
        slots = largest(read_weights, layout.sparse_reads)
    return SAMState(
        memory,
        slots.to(memory.dtype),
        read_weights.gather(-1, slots),
        aged(state.age.detach(), accessed(read_weights, write_weights)),
        touched(state.used.detach(), least, slots),
        links,
        last,
        read(memory, read_weights),
    )
