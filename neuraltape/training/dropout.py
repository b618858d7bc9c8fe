"""What is left out in training, drawn so that the number of processes makes no difference. Knows no machine."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Generator, Tensor
from torch.nn.functional import dropout

from neuraltape.training.streams import generator_at


def dropped(inputs: Tensor, share: float, generator: Generator) -> Tensor:
    """`torch.nn.functional.dropout` of inputs, its randomness from a generator."""
    kept = torch.rand(inputs.shape, generator=generator) >= share
    return inputs * kept / (1 - share)


class StepDropout:
    """`torch.nn.functional.dropout` in a machine that is trained: in a step it depends on the seed and the step alone.

    A mask is drawn for the whole batch, and each process takes the rows of its own sequences. Outside of a step it is
    PyTorch's.

    Args:
        seed: the run's.
        stream: what is left out.
    """

    def __init__(self, seed: int, stream: str) -> None:
        self._seed, self._stream = seed, stream
        self._generator: Generator | None = None
        self._sequences, self._mine = 0, slice(None)

    @contextmanager
    def at(self, step: int, sequences: int, mine: slice) -> Iterator[None]:
        """One step.

        Args:
            step: its number.
            sequences: those of the whole batch.
            mine: which of them are this process's.
        """
        self._generator = generator_at(self._seed, self._stream, step)
        self._sequences, self._mine = sequences, mine
        try:
            yield
        finally:
            self._generator = None

    def __call__(self, numbers: Tensor, share: float) -> Tensor:
        """The numbers, (..., batch, numbers), without this share of them."""
        if self._generator is None:
            return dropout(numbers, share)
        shape = (*numbers.shape[:-2], self._sequences, numbers.shape[-1])
        kept = torch.rand(shape, generator=self._generator, device="cpu") >= share
        return numbers * kept[..., self._mine, :].to(numbers.device) / (1 - share)
