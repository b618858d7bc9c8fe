"""From the raw numbers that a controller emits to the parameters of the heads. Knows no weights and no time.

Each row of the raw interface holds, in this order, with the read heads before the write heads inside each part:

| part      | numbers               | activation   | range            |
|-----------|-----------------------|--------------|------------------|
| key       | heads * width         | tanh         | (-1, 1)          |
| strength  | heads                 | softplus     | > 0              |
| gate      | heads                 | sigmoid      | (0, 1)           |
| shift     | heads * offsets       | softmax      | sums to 1        |
| sharpness | heads                 | 1 + softplus | > 1              |
| erase     | write heads * width   | sigmoid      | (0, 1)           |
| add       | write heads * width   | tanh         | (-1, 1)          |
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from neuraltape.functional.addressing import check_offsets
from neuraltape.printed import record_repr


@dataclass(frozen=True)
class InterfaceLayout:
    """How one row of the raw interface is divided among the heads."""

    access: ClassVar[str] = "ntm"
    """The name of the addressing scheme that it belongs to."""
    read_heads: int
    write_heads: int
    width: int
    offsets: tuple[int, ...] = (-1, 0, 1)

    def __post_init__(self) -> None:
        for name in ("read_heads", "write_heads", "width"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{name} must be a positive integer; got {value!r}")
        check_offsets(self.offsets)

    @property
    def heads(self) -> int:
        """Read and write heads together."""
        return self.read_heads + self.write_heads

    @property
    def sizes(self) -> tuple[int, int, int, int, int, int, int]:
        """How many numbers each part has, in the order of `Interface`."""
        heads, written = self.heads, self.write_heads * self.width
        return heads * self.width, heads, heads, heads * len(self.offsets), heads, written, written

    @property
    def size(self) -> int:
        """How many raw numbers there are in all."""
        return sum(self.sizes)


class Interface(NamedTuple):
    """The parameters of all heads at one step, raw or activated. Heads: the read heads, then the write heads."""

    key: Tensor
    strength: Tensor
    gate: Tensor
    shift: Tensor
    sharpness: Tensor
    erase: Tensor
    add: Tensor

    __repr__ = record_repr


def split_interface(raw: Float[Tensor, "batch size"], layout: InterfaceLayout) -> Interface:
    """Divide raw controller outputs among the heads, without activations.

    Args:
        raw: (batch, layout.size).
        layout: heads, width and offsets.

    Returns:
        `Interface` of key (batch, heads, width), strength, gate and sharpness (batch, heads), shift
        (batch, heads, offsets), erase and add (batch, write heads, width).

    Raises:
        ValueError: `raw` does not have `layout.size` columns.
    """
    if raw.shape[-1] != layout.size:
        raise ValueError(f"raw must have {layout.size} columns for {layout}; its shape is {tuple(raw.shape)}")
    key, strength, gate, shift, sharpness, erase, add = raw.split(layout.sizes, dim=-1)
    return Interface(
        key=key.unflatten(-1, (layout.heads, layout.width)),
        strength=strength,
        gate=gate,
        shift=shift.unflatten(-1, (layout.heads, len(layout.offsets))),
        sharpness=sharpness,
        erase=erase.unflatten(-1, (layout.write_heads, layout.width)),
        add=add.unflatten(-1, (layout.write_heads, layout.width)),
    )


def activate(raw: Interface) -> Interface:
    """Bring raw head parameters into their ranges, as the table at the top of this module says.

    The paper gives the ranges (sections 3.2 and 3.3) and leaves the functions open.
    """
    return Interface(
        key=raw.key.tanh(),
        strength=softplus(raw.strength),
        gate=raw.gate.sigmoid(),
        shift=raw.shift.softmax(-1),
        sharpness=1 + softplus(raw.sharpness),
        erase=raw.erase.sigmoid(),
        add=raw.add.tanh(),
    )
