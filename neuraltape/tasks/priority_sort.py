"""Priority sort: vectors with priorities come in, the highest go out in order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.draft import Composed, Draft, Drawing
from neuraltape.tasks.draw import MOST_CHANNELS, check_integer, place, random_bits, random_priorities
from neuraltape.tasks.goal import Goal
from neuraltape.tasks.ranged import RangedTask
from neuraltape.tasks.task import grown


@dataclass(frozen=True, kw_only=True)
class PrioritySort(RangedTask):
    """Give back the vectors of highest priority, highest first.

    Paper (Graves, Wayne and Danihelka 2014, arXiv 1410.5401), section 4.5: 20 vectors with priorities uniform over
    (-1, 1) on their own channel, the 16 highest as targets. While the machine answers its input is all zero. A
    sequence of n vectors and k answers takes n + 1 + k steps.

    The paper names no delimiter here. We put an end flag on its own channel after the vectors, as in its copy task,
    so that the task is well defined at every length and the first answer is not asked for at the very step at which
    the vectors stop. Other lengths than `max_length` ask for answers in the same proportion, at least one.

    Three vectors of two bits, two answers (columns are steps, blanks are not scored; priorities -0.3, 0.9, 0.2):

        inputs   bit 1     # . # . . .
                 bit 2     # . . . . .
                 priority  - + + . . .
                 end flag  . . . # . .
        targets  bit 1             . #
                 bit 2             . .
    """

    name: ClassVar[str] = "priority-sort"
    summary: ClassVar[str] = "give back the vectors of highest priority, in order"
    goal: ClassVar[Goal | None] = Goal("bits", 10, ends_training=False)
    paper_parameters: ClassVar[Mapping[str, int]] = {"lstm": 269_038, "feedforward": 508_305, "baseline": 384_424}
    usual_seeds: ClassVar[int] = 5
    length_name: ClassVar[str] = "vectors"
    example_length: ClassVar[int] = 5
    words: ClassVar[Mapping[str, str]] = {
        "task": "Priority sort: give back the vectors in the order of their priorities, highest first.",
    }

    min_length: int = 20
    """Vectors in the shortest sequence."""
    max_length: int = 20
    """Vectors in the longest sequence."""
    answers: int = 16
    """Vectors to give back of a sequence of max_length; of shorter ones in proportion, at least one."""
    bits: int = 8
    """Bits of a vector."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer("bits", self.bits, least=1, most=MOST_CHANNELS)
        check_integer("answers", self.answers, least=1)
        if self.answers > self.max_length:
            raise ValueError(f"answers must not exceed max_length, {self.max_length}; got {self.answers}")

    @property
    def input_names(self) -> tuple[str, ...]:
        """The vector's bits, its priority and the flag."""
        return *self.output_names, "priority", "end flag"

    @property
    def output_names(self) -> tuple[str, ...]:
        """The vector's bits."""
        return tuple(f"bit {i + 1}" for i in range(self.bits))

    def sample(self, batch_size: int, generator: torch.Generator, *, lengths: int | Tensor | None = None) -> Batch:
        """Draw sequences; see `Task.sample`."""
        return self._lay_out(*self._content(batch_size, generator, lengths))

    @property
    def drawing(self) -> Drawing:
        """The vectors and their priorities."""
        return Drawing(self.bits, columns={"priority": (-1.0, 1.0)}, start=12)

    def draw(self, length: int, generator: torch.Generator) -> Draft:
        """A random draft; see `Task.draw`."""
        vectors, _, priorities = self.at_length(length)._content(1, generator)
        return Draft(vectors[:, 0], columns={"priority": tuple(priorities[:, 0].tolist())})

    def compose(self, draft: Draft) -> Composed:
        """A draft laid out over time; see `Task.compose`."""
        length = self._check_draft(draft)
        priorities = torch.tensor(draft.columns["priority"]).unsqueeze(1)
        batch = self._lay_out(draft.vectors.unsqueeze(1), torch.tensor([length]), priorities)
        return Composed(batch, list(range(length)))

    def _content(
        self, batch_size: int, generator: torch.Generator, lengths: int | Tensor | None = None
    ) -> tuple[Float[Tensor, "items batch bits"], Int[Tensor, " batch"], Float[Tensor, "items batch"]]:
        """Random vectors, how many of them each sequence has, and their priorities."""
        count = self._draw_lengths(batch_size, generator, lengths)
        longest = int(count.max())
        vectors = random_bits(longest, batch_size, self.bits, generator=generator)
        return vectors, count, random_priorities(longest, batch_size, generator=generator)

    def _lay_out(
        self,
        vectors: Float[Tensor, "items batch bits"],
        count: Int[Tensor, " batch"],
        priorities: Float[Tensor, "items batch"],
    ) -> Batch:
        """The sequences that these vectors make."""
        longest, batch_size, _ = vectors.shape
        answers = self._proportion(count)
        steps = count + 1 + answers
        time = torch.arange(int(steps.max())).unsqueeze(-1)
        present = time[:longest] < count

        inputs = torch.zeros(len(time), batch_size, self.input_size)
        inputs[:longest, :, : self.bits] = vectors * present.unsqueeze(-1)
        inputs[:longest, :, self.bits] = priorities * present
        inputs[count, torch.arange(batch_size), self.bits + 1] = 1
        # The sort is stable, so that of two equal priorities the earlier comes first.
        order = torch.where(present, priorities, -2.0).argsort(dim=0, descending=True, stable=True)
        mask = (time > count) & (time < steps)
        rank = (time - count - 1).clamp(0, longest - 1)
        return Batch(inputs, place(vectors, order.gather(0, rank), mask), mask, steps)

    def at_length(self, length: int, answers: int | None = None) -> "PrioritySort":
        """The same task at exactly this many vectors; answers in proportion unless given."""
        return self._between(length, length, answers)

    def grown(self, fraction: float) -> "PrioritySort":
        """The range's upper end at this fraction of the whole; answers in proportion."""
        return self._between(self.min_length, grown(self.min_length, self.max_length, fraction))

    def _between(self, low: int, high: int, answers: int | None = None) -> "PrioritySort":
        if answers is None:
            check_integer("length", high, least=1)
            answers = int(self._proportion(torch.tensor(high)))
        return replace(self, min_length=low, max_length=high, answers=answers)

    def _proportion(self, count: Tensor) -> Tensor:
        """Answers asked for of `count` vectors, to the nearest whole number."""
        return ((2 * count * self.answers + self.max_length) // (2 * self.max_length)).clamp(min=1)
