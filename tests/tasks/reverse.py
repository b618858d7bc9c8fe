"""Reverse: store a sequence, give it back from its end. `tests/test_new_task.py` adds this file to the package."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.draft import Composed, Draft, Drawing
from neuraltape.tasks.draw import place, random_bits
from neuraltape.tasks.goal import Goal
from neuraltape.tasks.probe import Probe
from neuraltape.tasks.ranged import RangedTask


@dataclass(frozen=True, kw_only=True)
class Reverse(RangedTask):
    """Give back a sequence of random bit vectors from its end."""

    name: ClassVar[str] = "reverse"
    summary: ClassVar[str] = "give back a sequence of random vectors from its end"
    goal: ClassVar[Goal | None] = Goal("bits", 0.1)
    length_name: ClassVar[str] = "vectors"
    example_length: ClassVar[int] = 4
    words: ClassVar[Mapping[str, str]] = {
        "task": "Reverse: after the mirror the machine must give the vectors back from the end.",
        "channel mirror flag": "mirror",
    }

    min_length: int = 1
    """Vectors in the shortest sequence."""
    max_length: int = 4
    """Vectors in the longest sequence."""
    bits: int = 3
    """Bits of a vector."""

    @property
    def input_names(self) -> tuple[str, ...]:
        """The vector's bits and the flag."""
        return *self.output_names, "mirror flag"

    @property
    def output_names(self) -> tuple[str, ...]:
        """The vector's bits."""
        return tuple(f"bit {i + 1}" for i in range(self.bits))

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The range of training, and a sequence twice as long."""
        return *super().probes, Probe(self.at_length(8), Goal("wrong", 1))

    @property
    def drawing(self) -> Drawing:
        """The vectors."""
        return Drawing(self.bits)

    def sample(self, batch_size: int, generator: torch.Generator, *, lengths: int | Tensor | None = None) -> Batch:
        """Draw sequences."""
        count = self._draw_lengths(batch_size, generator, lengths)
        return self._lay_out(random_bits(int(count.max()), batch_size, self.bits, generator=generator), count)

    def draw(self, length: int, generator: torch.Generator) -> Draft:
        """A random draft."""
        self.at_length(length)
        return Draft(random_bits(length, self.bits, generator=generator))

    def compose(self, draft: Draft) -> Composed:
        """A draft laid out over time."""
        length = self._check_draft(draft)
        return Composed(self._lay_out(draft.vectors.unsqueeze(1), torch.tensor([length])), list(range(length)))

    def _lay_out(self, vectors: Tensor, count: Tensor) -> Batch:
        longest, batch_size, _ = vectors.shape
        time = torch.arange(2 * longest + 1).unsqueeze(-1)
        inputs = torch.zeros(len(time), batch_size, self.input_size)
        inputs[:longest, :, : self.bits] = vectors * (time[:longest] < count).unsqueeze(-1)
        inputs[count, torch.arange(batch_size), self.bits] = 1
        steps = 2 * count + 1
        mask = (time > count) & (time < steps)
        return Batch(inputs, place(vectors, 2 * count - time, mask), mask, steps)
