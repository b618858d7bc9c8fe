"""What is measured: the size of a machine and of the batch it is given."""

from dataclasses import dataclass

import torch
from torch import Tensor

from neuraltape.functional import InterfaceLayout


@dataclass(frozen=True)
class Size:
    """A machine with an LSTM of one layer, and a batch of sequences of one length."""

    input_size: int
    hidden_size: int
    output_size: int
    slots: int
    width: int
    read_heads: int
    write_heads: int
    time: int
    """Steps of each sequence."""
    batch: int
    """Sequences."""

    @property
    def layout(self) -> InterfaceLayout:
        """How the heads' parameters are laid out; moves of -1, 0 and 1."""
        return InterfaceLayout(self.read_heads, self.write_heads, self.width)


# Copy at its longest in training, 20 vectors of 8 bits: Graves et al. (2014), arXiv 1410.5401, section 4.1, table 1.
PAPER = Size(
    input_size=9, hidden_size=100, output_size=8, slots=128, width=20, read_heads=1, write_heads=1, time=41, batch=16
)
LARGER = Size(
    input_size=64, hidden_size=256, output_size=64, slots=256, width=64, read_heads=4, write_heads=1, time=41, batch=16
)


def draw(size: Size) -> tuple[Tensor, Tensor]:
    """Random bits: inputs (time, batch, input) and targets (time, batch, output), the same at every call."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((size.time, size.batch, size.input_size), (size.time, size.batch, size.output_size))
    inputs, targets = (torch.randint(2, shape, generator=generator).float() for shape in shapes)
    return inputs, targets
