"""One step of the Differentiable Neural Computer's access, as pure functions. Knows no parameters.

Graves et al. (2016), Nature 538:471, Methods ("the paper" here), with one write head. Each row of the raw interface
holds, in this order, with R read heads and the write head behind them:

| part            | numbers         | activation           | range     | only with      |
|-----------------|-----------------|----------------------|-----------|----------------|
| key             | (R + 1) * width | none                 |           |                |
| mask            | (R + 1) * width | 0.1 + 0.9 sigmoid    | (0.1, 1)  | masked         |
| strength        | R + 1           | 1 + softplus         | > 1       |                |
| erase           | width           | sigmoid              | (0, 1)    |                |
| add             | width           | none                 |           |                |
| free            | R               | sigmoid              | (0, 1)    |                |
| allocation_gate | 1               | sigmoid              | (0, 1)    |                |
| write_gate      | 1               | sigmoid              | (0, 1)    |                |
| modes           | R * 3           | softmax over 3       | sums to 1 | links          |
| link_sharpness  | R * 2           | 1 + softplus         | > 1       | sharpen_links  |
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import layer_norm, softplus

from neuraltape.functional.addressing import content_weights
from neuraltape.functional.allocation import allocation, retention, usage
from neuraltape.functional.links import follow, link, precedence, sharpen_link
from neuraltape.functional.memory import read
from neuraltape.functional.state import State
from neuraltape.printed import record_repr

# The least that a mask lets through: without it keys are learnt slowly (Csordas and Schmidhuber 2019).
MASK_FLOOR = 0.1
# Added to a row's variance before layer norm divides by its root.
NORM_EPS = 1e-5


@dataclass(frozen=True)
class DNCLayout:
    """How one row of the raw interface is divided, and which of the later improvements the access has."""

    access: ClassVar[str] = "dnc"
    """The name of the addressing scheme that it belongs to."""
    read_heads: int
    width: int
    links: bool = True
    """Whether reads can follow the order in which slots were written."""
    masked: bool = False
    """Whether keys have a mask (Csordas and Schmidhuber 2019, arXiv 1904.10278)."""
    wipe: bool = False
    """Whether slots that are freed are emptied (the same, "de-allocation")."""
    sharpen_links: bool = False
    """Whether what the links lead to is sharpened (the same)."""
    layer_norm: bool = False
    """Whether the raw row is normalised (Franke, Niehues and Waibel 2018, arXiv 1807.02658)."""

    def __post_init__(self) -> None:
        for name in ("read_heads", "width"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{name} must be a positive integer; got {value!r}")
        for name in ("links", "masked", "wipe", "sharpen_links", "layer_norm"):
            value = getattr(self, name)
            if type(value) is not bool:
                raise ValueError(f"{name} must be True or False; got {value!r}")
        if self.sharpen_links and not self.links:
            raise ValueError("sharpen_links needs links; got links=False")

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many numbers each part has, in the order of `DNCInterface`; 0 for one that it doesn't have."""
        reading, width = self.read_heads, self.width
        keys = (reading + 1) * width
        modes, sharpness = 3 * reading * self.links, 2 * reading * self.sharpen_links
        return keys, keys * self.masked, reading + 1, width, width, reading, 1, 1, modes, sharpness

    @property
    def size(self) -> int:
        """How many raw numbers there are in all."""
        return sum(self.sizes)


class DNCInterface(NamedTuple):
    """The parameters of all heads at one step, raw or activated. The write head stands behind the read heads."""

    key: Tensor
    """What to look for, (batch, heads, width)."""
    mask: Tensor | None
    """Which of its numbers count, (batch, heads, width)."""
    strength: Tensor
    """(batch, heads)."""
    erase: Tensor
    """(batch, 1, width)."""
    add: Tensor
    """What to store, (batch, 1, width)."""
    free: Tensor
    """1: what the head read at the step before is no longer needed. (batch, read heads)."""
    allocation_gate: Tensor
    """1: write into a free slot; 0: to where the key matches. (batch, 1)."""
    write_gate: Tensor
    """0: write nothing. (batch, 1)."""
    modes: Tensor | None
    """How much of backward, content and forward, (batch, read heads, 3)."""
    link_sharpness: Tensor | None
    """Of backward and forward, (batch, read heads, 2)."""

    __repr__ = record_repr


class DNCState(State):
    """What the memory and its heads carry from one step to the next. Without links two parts have no numbers."""

    memory: Tensor
    """M_t, (batch, slots, width)."""
    read_weights: Tensor
    """w^r_t, (batch, read heads, slots)."""
    write_weights: Tensor
    """w^w_t, (batch, slots). What comes after it has no gradient."""
    usage: Tensor
    """u_t, (batch, slots)."""
    link: Tensor
    """L_t, (batch, slots, slots); without links (batch, 0, 0)."""
    precedence: Tensor
    """p_t, (batch, slots); without links (batch, 0)."""
    reads: Tensor
    """r_t, (batch, read heads, width): what the controller sees at the next step."""


def split_dnc(raw: Float[Tensor, "batch size"], layout: DNCLayout) -> DNCInterface:
    """Divide raw controller outputs among the parts, without activations.

    Raises:
        ValueError: `raw` does not have `layout.size` columns.
    """
    if raw.shape[-1] != layout.size:
        raise ValueError(f"raw must have {layout.size} columns for {layout}; its shape is {tuple(raw.shape)}")
    parts = raw.split(layout.sizes, dim=-1)
    key, mask, strength, erase, add, free, allocation_gate, write_gate, modes, sharpness = parts
    rows, reading = (layout.read_heads + 1, layout.width), layout.read_heads
    return DNCInterface(
        key.unflatten(-1, rows),
        mask.unflatten(-1, rows) if layout.masked else None,
        strength,
        erase.unsqueeze(-2),
        add.unsqueeze(-2),
        free,
        allocation_gate,
        write_gate,
        modes.unflatten(-1, (reading, 3)) if layout.links else None,
        sharpness.unflatten(-1, (reading, 2)) if layout.sharpen_links else None,
    )


def activate_dnc(raw: DNCInterface) -> DNCInterface:
    """Bring raw parameters into their ranges, as the table at the top of this module says."""
    return DNCInterface(
        raw.key,
        None if raw.mask is None else MASK_FLOOR + (1 - MASK_FLOOR) * raw.mask.sigmoid(),
        1 + softplus(raw.strength),
        raw.erase.sigmoid(),
        raw.add,
        raw.free.sigmoid(),
        raw.allocation_gate.sigmoid(),
        raw.write_gate.sigmoid(),
        None if raw.modes is None else raw.modes.softmax(-1),
        None if raw.link_sharpness is None else 1 + softplus(raw.link_sharpness),
    )


def dnc_interface(raw: Float[Tensor, "batch size"], layout: DNCLayout) -> DNCInterface:
    """From a raw row to activated parameters, through layer norm where the layout says so.

    Layer norm has neither gains nor offsets of its own: the linear layer before it sets how large a number is beside
    the others.
    """
    raw = layer_norm(raw, raw.shape[-1:], eps=NORM_EPS) if layout.layer_norm else raw
    return activate_dnc(split_dnc(raw, layout))


def dnc_write(
    memory: Float[Tensor, "batch slots width"],
    weights: Float[Tensor, "batch slots"],
    erase: Float[Tensor, "batch 1 width"],
    add: Float[Tensor, "batch 1 width"],
    kept: Float[Tensor, "batch slots"] | None = None,
) -> Float[Tensor, "batch slots width"]:
    """Erase, then add: M_t = (M_{t-1} psi) (1 - w e) + w v.

    Args:
        memory: M_{t-1}.
        weights: w^w_t.
        erase, add: e_t and v_t.
        kept: psi_t where freed slots are emptied; None: they are not.
    """
    focus = weights.unsqueeze(-1)
    memory = memory if kept is None else memory * kept.unsqueeze(-1)
    return memory * (1 - focus * erase) + focus * add


def write_focus(
    content: Float[Tensor, "batch slots"],
    allocation: Float[Tensor, "batch slots"],
    allocation_gate: Float[Tensor, "batch 1"],
    write_gate: Float[Tensor, "batch 1"],
) -> Float[Tensor, "batch slots"]:
    """w^w_t = g_w (g_a a_t + (1 - g_a) c_t): where to write; sums to at most 1."""
    return write_gate * (allocation_gate * allocation + (1 - allocation_gate) * content)


def read_focus(
    backward: Float[Tensor, "batch heads slots"],
    content: Float[Tensor, "batch heads slots"],
    forward: Float[Tensor, "batch heads slots"],
    modes: Float[Tensor, "batch heads 3"],
) -> Float[Tensor, "batch heads slots"]:
    """w^r_t = pi_1 b_t + pi_2 c_t + pi_3 f_t: where to read; sums to at most 1."""
    back, same, on = modes.unsqueeze(-1).unbind(-2)
    return back * backward + same * content + on * forward


def dnc_step(raw: Float[Tensor, "batch size"], state: DNCState, layout: DNCLayout) -> DNCState:
    """Free, allocate and write; link; read. The paper's equations in their order.

    What the write head did at the step before changes the usage without a gradient, as in the authors' program.

    Args:
        raw: what the controller emits for the heads, before activations, (batch, layout.size).
        state: the state after the step before.
        layout: how `raw` is divided, and what the access has.

    Returns:
        The state after this step; its `reads` are what the heads returned.
    """
    given, reading = dnc_interface(raw, layout), layout.read_heads
    kept = retention(given.free, state.read_weights)
    used = usage(state.usage, state.write_weights.detach(), kept)
    content = content_weights(state.memory, *_of_heads(given, slice(reading, None)))[:, 0]
    write_weights = write_focus(content, allocation(used), given.allocation_gate, given.write_gate)
    memory = dnc_write(state.memory, write_weights, given.erase, given.add, kept if layout.wipe else None)
    read_weights = content_weights(memory, *_of_heads(given, slice(reading)))
    linked, last = state.link, state.precedence
    if given.modes is not None:
        linked, last = link(state.link, state.precedence, write_weights), precedence(state.precedence, write_weights)
        backward, forward = follow(linked, state.read_weights)
        if given.link_sharpness is not None:
            backward = sharpen_link(backward, given.link_sharpness[..., 0])
            forward = sharpen_link(forward, given.link_sharpness[..., 1])
        read_weights = read_focus(backward, read_weights, forward, given.modes)
    return DNCState(memory, read_weights, write_weights, used, linked, last, read(memory, read_weights))


def _of_heads(given: DNCInterface, heads: slice) -> tuple[Tensor, Tensor, Tensor | None]:
    """Keys, strengths and masks of some heads."""
    return given.key[:, heads], given.strength[:, heads], None if given.mask is None else given.mask[:, heads]
