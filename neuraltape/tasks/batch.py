"""A batch of sequences: what a task draws and a machine learns from. Knows no task and no model."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neuraltape.printed import record_repr


class Batch(NamedTuple):
    """Sequences side by side, time first, padded with zeros at the end to the longest of them."""

    inputs: Float[Tensor, "time batch input_size"]
    """What the machine is given, float32."""
    targets: Float[Tensor, "time batch output_size"] | Int[Tensor, "time batch"]
    """What it has to answer, float32; class numbers are int64 and have no last axis."""
    mask: Bool[Tensor, "time batch"]
    """The steps that are scored."""
    lengths: Int[Tensor, " batch"]
    """Steps of each sequence without the padding, int64."""

    __repr__ = record_repr

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
