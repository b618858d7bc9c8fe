"""Memory re-use: sequences one after the other, each given back once; more to store in all than there are slots."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.draft import Composed, Draft, Drawing
from neuraltape.tasks.draw import MOST_CHANNELS, check_integer, check_range, place, random_bits, random_integers
from neuraltape.tasks.goal import Goal
from neuraltape.tasks.probe import Probe
from neuraltape.tasks.ranged import RangedTask


@dataclass(frozen=True, kw_only=True)
class MemoryReuse(RangedTask):
    """Copy several sequences of random bit vectors, one after the other.

    After the end flag of a sequence the machine gives it back, once; then the next begins. With few slots that takes a
    memory that is used again: ten sequences of five vectors are 50 vectors, which go into ten slots (Graves et al.
    2016, doi 10.1038/nature20101, Extended Data figure 1). Csordas and Schmidhuber (2019), arXiv 1904.10278, call it
    repeated copy. It is not the repeat copy of Graves et al. (2014), which gives one sequence back several times.

    A length counts sequences. A sequence of V vectors takes 2 V + 1 steps, whatever came before. While the machine
    answers its input is all zero. Two sequences of one vector of two bits (columns are steps, blanks are not scored):

        inputs   bit 1      # . . . . .
                 bit 2      # . . # . .
                 end flag   . # . . # .
        targets  bit 1          #     .
                 bit 2          #     #
    """

    name: ClassVar[str] = "memory-reuse"
    summary: ClassVar[str] = "copy several sequences one after the other, with fewer slots than vectors"
    goal: ClassVar[Goal | None] = Goal("bits", 0.1)
    length_name: ClassVar[str] = "sequences"
    usual_seeds: ClassVar[int] = 5
    example_length: ClassVar[int] = 2
    words: ClassVar[Mapping[str, str]] = {
        "task": "Memory re-use: sequences go in one after the other; after each one's end flag the machine must give "
        "it back. All together they need more slots than there are.",
    }

    min_length: int = 1
    """The fewest sequences."""
    max_length: int = 10
    """The most sequences."""
    min_vectors: int = 5
    """Vectors in the shortest of them."""
    max_vectors: int = 5
    """Vectors in the longest of them."""
    bits: int = 8
    """Bits of a vector."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(("min_vectors", "max_vectors"), self.min_vectors, self.max_vectors, least=1)
        check_integer("bits", self.bits, least=1, most=MOST_CHANNELS)

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
        """The most sequences of training, and up to five times as many."""
        return *super().probes, *(Probe(self.at_length(times * self.max_length)) for times in (1, 2, 5))

    @property
    def drawing(self) -> Drawing | None:
        """The vectors, where all sequences have as many."""
        return Drawing(self.bits, item=self.max_vectors, start=3) if self.min_vectors == self.max_vectors else None

    def sample(self, batch_size: int, generator: torch.Generator, *, lengths: int | Tensor | None = None) -> Batch:
        """Draw sequences of sequences; see `Task.sample`."""
        return self._lay_out(*self._content(batch_size, generator, lengths))

    def draw(self, length: int, generator: torch.Generator) -> Draft:
        """A random draft; see `Task.draw`."""
        if self.drawing is None:
            return super().draw(length, generator)
        vectors, _, _ = self.at_length(length)._content(1, generator)
        return Draft(vectors[:, 0])

    def compose(self, draft: Draft) -> Composed:
        """A draft laid out over time; see `Task.compose`."""
        count, size = self._check_draft(draft), self.max_vectors
        batch = self._lay_out(draft.vectors.unsqueeze(1), torch.tensor([count]), torch.full((count, 1), size))
        index = torch.arange(len(draft.vectors))
        return Composed(batch, (index + index // size * (size + 1)).tolist())

    def _content(
        self, batch_size: int, generator: torch.Generator, lengths: int | Tensor | None = None
    ) -> tuple[Float[Tensor, "vectors batch bits"], Int[Tensor, " batch"], Int[Tensor, "sequences batch"]]:
        """Random vectors, how many sequences they make in each row, and how many vectors each sequence has."""
        count = self._draw_lengths(batch_size, generator, lengths)
        most = torch.full((int(count.max()), batch_size), self.max_vectors)
        sizes = random_integers(self.min_vectors, most, generator=generator)
        inside = torch.arange(len(sizes)).unsqueeze(-1) < count
        vectors = random_bits(int((sizes * inside).sum(0).max()), batch_size, self.bits, generator=generator)
        return vectors, count, sizes * inside

    def _lay_out(
        self,
        vectors: Float[Tensor, "vectors batch bits"],
        count: Int[Tensor, " batch"],
        sizes: Int[Tensor, "sequences batch"],
    ) -> Batch:
        """The sequences that these vectors make."""
        # A sequence that isn't there takes no step.
        steps = (2 * sizes + 1) * (sizes > 0)
        ends = steps.cumsum(0)
        time = torch.arange(int(ends[-1].max())).unsqueeze(-1)
        which = (time.unsqueeze(1) >= ends).sum(1)
        inside = which < count
        which = which.clamp(max=len(sizes) - 1)
        size, before = sizes.gather(0, which), (sizes.cumsum(0) - sizes).gather(0, which)
        step = time - (ends - steps).gather(0, which)

        inputs = torch.zeros(len(time), len(count), self.input_size)
        inputs[..., : self.bits] = place(vectors, before + step, inside & (step < size))
        inputs[..., self.bits] = inside & (step == size)
        mask = inside & (step > size)
        return Batch(inputs, place(vectors, before + step - size - 1, mask), mask, ends[-1])
