"""Copy: store a sequence, give it back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.draft import Composed, Draft, Drawing
from neuraltape.tasks.draw import MOST_CHANNELS, check_blank, check_integer, place, random_vectors
from neuraltape.tasks.goal import Goal
from neuraltape.tasks.probe import Probe
from neuraltape.tasks.ranged import RangedTask


@dataclass(frozen=True, kw_only=True)
class Copy(RangedTask):
    """Give back a sequence of random bit vectors after an end flag.

    Paper (Graves, Wayne and Danihelka 2014, arXiv 1410.5401), section 4.1. The flag stands on its own channel; while
    the machine answers its input is all zero. A sequence of length L takes 2 L + 1 steps.

    `blank_vectors` changes what is practised, never what is scored: `held_out` and `at_length` are without it. One
    vector in 2^bits is all zero, and a machine that takes it for the answer's input hears of its mistake too rarely.

    Two vectors of three bits (columns are steps, blanks are not scored):

        inputs   bit 1     # . . . .
                 bit 2     . # . . .
                 bit 3     # # . . .
                 end flag  . . # . .
        targets  bit 1           # .
                 bit 2           . #
                 bit 3           # #
    """

    name: ClassVar[str] = "copy"
    summary: ClassVar[str] = "give back a sequence of random vectors after its end flag"
    goal: ClassVar[Goal | None] = Goal("bits", 0.1)
    paper_parameters: ClassVar[Mapping[str, int]] = {"lstm": 67_561, "feedforward": 17_162, "baseline": 1_352_969}
    length_name: ClassVar[str] = "vectors"
    example_length: ClassVar[int] = 6
    words: ClassVar[Mapping[str, str]] = {
        "task": "Copy: vectors go in one by one; after the end flag the machine must give them back.",
    }

    min_length: int = 1
    """Vectors in the shortest sequence."""
    max_length: int = 20
    """Vectors in the longest sequence."""
    bits: int = 8
    """Bits of a vector."""
    blank_vectors: float = 0.0
    """Practice only: the probability with which each vector is made all zero."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer("bits", self.bits, least=1, most=MOST_CHANNELS)
        check_blank(self.blank_vectors)

    @property
    def input_names(self) -> tuple[str, ...]:
        """The vector's bits and the flag."""
        return *self.output_names, "end flag"

    @property
    def output_names(self) -> tuple[str, ...]:
        """The vector's bits."""
        return tuple(f"bit {i + 1}" for i in range(self.bits))

    @property
    def probes(self) -> tuple[Probe, ...]:
        """Up to ten times the longest of training, the last of the paper's range with a larger memory."""
        if self.max_length > 20:
            longer = (self.at_length(times * self.max_length) for times in (1, 2, 10))
            return *super().probes, *map(Probe, longer)
        return (
            *super().probes,
            Probe(self.at_length(30)),
            Probe(self.at_length(50)),
            Probe(self.at_length(120), Goal("wrong", 1)),
            Probe(self.at_length(200), memory_slots=256),
        )

    def sample(self, batch_size: int, generator: torch.Generator, *, lengths: int | Tensor | None = None) -> Batch:
        """Draw sequences; see `Task.sample`."""
        return self._lay_out(*self._content(batch_size, generator, lengths))

    @property
    def drawing(self) -> Drawing:
        """The vectors."""
        return Drawing(self.bits)

    def draw(self, length: int, generator: torch.Generator) -> Draft:
        """A random draft; see `Task.draw`."""
        vectors, _ = self.at_length(length)._content(1, generator)
        return Draft(vectors[:, 0])

    def compose(self, draft: Draft) -> Composed:
        """A draft laid out over time; see `Task.compose`."""
        length = self._check_draft(draft)
        return Composed(self._lay_out(draft.vectors.unsqueeze(1), torch.tensor([length])), list(range(length)))

    def at_length(self, length: int) -> "Copy":
        """The task to score, with every sequence of exactly this length."""
        return replace(self.held_out(), min_length=length, max_length=length)

    def longest_only(self) -> "Copy":
        """The longest sequences; practice stays practice."""
        return replace(self, min_length=self.max_length)

    def held_out(self) -> "Copy":
        """The task without what is there for practice only."""
        return replace(self, blank_vectors=0.0) if self.blank_vectors else self

    def _content(
        self, batch_size: int, generator: torch.Generator, lengths: int | Tensor | None = None
    ) -> tuple[Float[Tensor, "items batch bits"], Int[Tensor, " batch"]]:
        """Random vectors, and how many of them each sequence has."""
        count = self._draw_lengths(batch_size, generator, lengths)
        longest = int(count.max())
        return random_vectors(longest, batch_size, self.bits, blank=self.blank_vectors, generator=generator), count

    def _lay_out(self, vectors: Float[Tensor, "items batch bits"], count: Int[Tensor, " batch"]) -> Batch:
        """The sequences that these vectors make."""
        longest, batch_size, _ = vectors.shape
        time = torch.arange(2 * longest + 1).unsqueeze(-1)
        inputs = torch.zeros(len(time), batch_size, self.input_size)
        inputs[:longest, :, : self.bits] = vectors * (time[:longest] < count).unsqueeze(-1)
        inputs[count, torch.arange(batch_size), self.bits] = 1
        steps = 2 * count + 1
        mask = (time > count) & (time < steps)
        return Batch(inputs, place(vectors, time - count - 1, mask), mask, steps)
