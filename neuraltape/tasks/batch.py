"""A batch of sequences: what a task draws and a machine learns from. Knows no task and no model."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neuraltape.printed import record_repr


class Batch(NamedTuple):
    """Sequences side by side, time first, padded with zeros at the end to the longest of them."""

    inputs: Float[Tensor, "time batch input_size"] | Int[Tensor, "time batch"]
    """What the machine is given, float32; symbols are int64 and have no last axis."""
    targets: Float[Tensor, "time batch output_size"] | Int[Tensor, "time batch"]
    """What it has to answer, float32; class numbers are int64 and have no last axis."""
    mask: Bool[Tensor, "time batch"]
    """The steps that are scored."""
    lengths: Int[Tensor, " batch"]
    """Steps of each sequence without the padding, int64."""

    __repr__ = record_repr

    def shown(self, symbols: int) -> "Batch":
        """The same batch with symbols one-hot, as a machine without an embedding and who draws them take them.

        Args:
            symbols: how many there are.
        """
        if self.inputs.dim() == 3:
            return self
        inside = torch.arange(len(self.inputs), device=self.lengths.device).unsqueeze(-1) < self.lengths
        shown = torch.zeros(*self.inputs.shape, symbols, device=self.inputs.device)
        return self._replace(inputs=shown.scatter_(-1, self.inputs.unsqueeze(-1), inside.float().unsqueeze(-1)))

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on another device."""
        return Batch(*(tensor.to(device) for tensor in self))

    def select(self, index: slice | Tensor | Sequence[int]) -> "Batch":
        """Some of the sequences, in the order asked for. The time axis stays as it is, so shares of one batch align.

        Args:
            index: a slice, an integer or boolean tensor (batch,), or integers.
        """
        if not isinstance(index, slice | Tensor):
            index = torch.as_tensor(index, dtype=torch.int64)
        return Batch(self.inputs[:, index], self.targets[:, index], self.mask[:, index], self.lengths[index])
