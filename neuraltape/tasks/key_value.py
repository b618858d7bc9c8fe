"""Key-value retrieval: pairs go in, then each is asked for by one of its halves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.draw import check_integer, place
from neuraltape.tasks.goal import Goal
from neuraltape.tasks.probe import Probe
from neuraltape.tasks.ranged import RangedTask

# Halves are drawn from all numbers of so many bits, so that no two are alike.
MOST_BITS = 16


@dataclass(frozen=True, kw_only=True)
class KeyValue(RangedTask):
    """Shown pairs of a key and a value, answer each key with its value or each value with its key.

    Csordas and Schmidhuber (2019), arXiv 1904.10278: a content look-up that compares whole slots finds neither half of
    a pair well, one with masked keys does. All keys of a sequence differ, and so do all values. Each pair is asked for
    once, in random order, by its key or by its value; which half is wanted is said on a channel of its own. The answer
    comes at the step after the question, where the input is all zero. N pairs take 3 N steps.

    Two pairs of two bits (columns are steps, blanks are not scored):

        inputs   key 1        # . . . # .
                 key 2        . # . . . .
                 value 1      # . . . . .
                 value 2      . # # . . .
                 want value   . . . . # .
                 want key     . . # . . .
        targets  bit 1              .   #
                 bit 2              #   .
    """

    name: ClassVar[str] = "key-value"
    summary: ClassVar[str] = "shown pairs, answer a key with its value and a value with its key"
    goal: ClassVar[Goal | None] = Goal("bits", 0.1)
    length_name: ClassVar[str] = "pairs"
    usual_seeds: ClassVar[int] = 3
    example_length: ClassVar[int] = 3
    words: ClassVar[Mapping[str, str]] = {
        "task": "Key and value: pairs go in; asked with a key the machine must answer with its value, asked with a "
        "value with its key.",
    }

    min_length: int = 2
    """The fewest pairs."""
    max_length: int = 16
    """The most pairs."""
    bits: int = 8
    """Bits of a key, and of a value."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer("bits", self.bits, least=1, most=MOST_BITS)
        self._check_most("max_length", self.max_length)

    @property
    def most(self) -> int:
        """As many pairs as there are different keys."""
        return 2**self.bits

    @property
    def input_names(self) -> tuple[str, ...]:
        """The bits of a pair, and which half is wanted."""
        halves = (f"{half} {i + 1}" for half in ("key", "value") for i in range(self.bits))
        return *halves, "want value", "want key"

    @property
    def output_names(self) -> tuple[str, ...]:
        """The bits of the half that is wanted."""
        return tuple(f"bit {i + 1}" for i in range(self.bits))

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The most pairs of training, and up to twice as many."""
        longer = (self.max_length * halves // 2 for halves in (2, 3, 4))
        lengths = sorted({min(length, self.most) for length in longer})
        return *super().probes, *(Probe(self.at_length(length)) for length in lengths)

    def sample(self, batch_size: int, generator: torch.Generator, *, lengths: int | Tensor | None = None) -> Batch:
        """Draw pairs and questions; see `Task.sample`."""
        pairs = self._draw_lengths(batch_size, generator, lengths)
        self._check_most("lengths", int(pairs.max()))
        longest = int(pairs.max())
        halves = torch.stack([self._different(longest, batch_size, generator) for _ in range(2)])
        # The order of the questions; pairs that a sequence doesn't have come last.
        chance = torch.rand(longest, batch_size, generator=generator)
        order = chance.masked_fill(torch.arange(longest).unsqueeze(-1) >= pairs, 2.0).argsort(0)
        by_value = torch.rand(longest, batch_size, generator=generator) < 0.5
        return self._lay_out(halves, pairs, order, by_value)

    def _different(self, count: int, batch_size: int, generator: torch.Generator) -> Float[Tensor, "count batch bits"]:
        """Random vectors of bits, no two of a sequence alike."""
        numbers = torch.rand(batch_size, self.most, generator=generator).topk(count).indices.T
        return (numbers.unsqueeze(-1) >> torch.arange(self.bits) & 1).float()

    def _lay_out(
        self,
        halves: Float[Tensor, "2 pairs batch bits"],
        pairs: Int[Tensor, " batch"],
        order: Int[Tensor, "pairs batch"],
        by_value: Bool[Tensor, "pairs batch"],
    ) -> Batch:
        """The sequences that these pairs and questions make: keys and values, which is asked for when, and how."""
        steps, width = 3 * pairs, self.bits
        time = torch.arange(int(steps.max())).unsqueeze(-1)
        number = ((time - pairs) // 2).clamp(0, len(order) - 1)
        told, inside = time < pairs, time < steps
        question, mask = ((inside & ~told & ((time - pairs) % 2 == part)) for part in (0, 1))
        asked, turned = order.gather(0, number), by_value.gather(0, number)
        index = torch.where(told, time, asked)

        inputs = torch.zeros(len(time), len(pairs), self.input_size)
        inputs[..., :width] = place(halves[0], index, told | (question & ~turned))
        inputs[..., width : 2 * width] = place(halves[1], index, told | (question & turned))
        inputs[..., -2] = question & ~turned
        inputs[..., -1] = question & turned
        targets = place(halves[0], asked, mask & turned) + place(halves[1], asked, mask & ~turned)
        return Batch(inputs, targets, mask, steps)

    def _check_most(self, name: str, value: int) -> None:
        if value > self.most:
            raise ValueError(
                f"{name} must be at most {self.most}, the number of different keys of {self.bits} bits; got {value}"
            )
