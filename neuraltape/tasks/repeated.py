"""What the tasks share that ask for a sequence several times: ranges, practice, layout and score.

They differ in how the number of copies is shown to the machine, and this file doesn't know how.
"""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.draft import Composed, Draft, Drawing
from neuraltape.tasks.draw import (
    MOST_CHANNELS,
    check_blank,
    check_integer,
    check_range,
    draw_lengths,
    place,
    random_vectors,
)
from neuraltape.tasks.goal import Goal
from neuraltape.tasks.probe import Probe
from neuraltape.tasks.ranged import RangedTask
from neuraltape.tasks.score import Score, wrong_bits
from neuraltape.tasks.task import grown, range_label

# The most copies that a drawn sequence may ask for.
MOST_REPEATS = 100


@dataclass(frozen=True, kw_only=True)
class RepeatedTask(RangedTask):
    """A task that asks for a sequence of random bit vectors several times, then for an end marker.

    After L vectors comes the number of copies R, in as many steps as `_number_steps` says; then L R steps of answer and
    the end marker. The number has one input channel, the last. While the machine answers its input is all zero. The
    end marker has its own output channel, 0 through the copies and 1 at the step after the last; there all bits are 0.

    `asked_repeats` and `blank_vectors` change what is practised, never what is scored: `held_out` and `at_length` are
    without them. One vector in 2^bits is all zero, and a machine that takes it for the beginning of the answer, where
    the input is zero too, hears of its mistake too rarely; `blank_vectors` makes the rare case common.
    """

    goal: ClassVar[Goal | None] = Goal("bits", 0.1)
    length_name: ClassVar[str] = "vectors"
    example_length: ClassVar[int] = 3

    min_length: int = 1
    """Vectors in the shortest sequence."""
    max_length: int = 10
    """Vectors in the longest sequence."""
    min_repeats: int = 1
    """The fewest copies asked for."""
    max_repeats: int = 10
    """The most copies asked for."""
    bits: int = 8
    """Bits of a vector."""
    asked_repeats: int | None = None
    """Practice only: a longer answer ends, without its end marker, after so many copies; null: none does."""
    blank_vectors: float = 0.0
    """Practice only: the probability with which each vector is made all zero."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(("min_repeats", "max_repeats"), self.min_repeats, self.max_repeats, least=1)
        check_integer("bits", self.bits, least=1, most=MOST_CHANNELS)
        if self.asked_repeats is not None:
            check_integer("asked_repeats", self.asked_repeats, least=1)
        check_blank(self.blank_vectors)

    @property
    def output_names(self) -> tuple[str, ...]:
        """The vector's bits and the end marker."""
        return *self._bit_names, "end marker"

    @property
    def label(self) -> str:
        """Vectors and copies: "1-10 x 1-10"."""
        return f"{super().label} x {range_label(self.min_repeats, self.max_repeats)}"

    @property
    def probes(self) -> tuple[Probe, ...]:
        """Twice the vectors and twice the copies of the paper's range; of another range both, up to twice and one."""
        if (self.max_length, self.max_repeats) != (10, 10):
            return *super().probes, Probe(self._beyond(), sequences=1_000)
        return (
            *super().probes,
            Probe(self.at_length(20, 10), Goal("wrong", 1)),
            Probe(self.at_length(10, 20), Goal("wrong", 1)),
        )

    def sample(
        self,
        batch_size: int,
        generator: torch.Generator,
        *,
        lengths: int | Tensor | None = None,
        repeats: int | Tensor | None = None,
    ) -> Batch:
        """Draw sequences; see `Task.sample`. `repeats` is to the copies what `lengths` is to the vectors."""
        return self._lay_out(*self._content(batch_size, generator, lengths, repeats))

    @property
    def drawing(self) -> Drawing:
        """The vectors, and how many copies are asked for."""
        return Drawing(self.bits, numbers={"repeats": lambda length: range(1, MOST_REPEATS + 1)}, start=4)

    def draw(self, length: int, generator: torch.Generator) -> Draft:
        """A random draft; see `Task.draw`."""
        vectors, _, copies = self.at_length(length)._content(1, generator)
        return Draft(vectors[:, 0], numbers={"repeats": int(copies)})

    def compose(self, draft: Draft) -> Composed:
        """A draft laid out over time; see `Task.compose`."""
        length = self._check_draft(draft)
        copies = torch.tensor([draft.numbers["repeats"]])
        batch = self.held_out()._lay_out(draft.vectors.unsqueeze(1), torch.tensor([length]), copies)
        return Composed(batch, list(range(length)))

    @torch.no_grad()
    def score(self, outputs: Float[Tensor, "time batch output_size"], batch: Batch) -> Score:
        """How well each sequence went, and whether its end marker is right."""
        score = super().score(outputs, batch)
        wrong = wrong_bits(outputs[..., -1:], batch.targets[..., -1:], batch.mask)
        return score._replace(marked=(wrong == 0).all(0))

    def at_length(self, length: int, repeats: int | None = None) -> Self:
        """The task to score at exactly this many vectors (and repeats, if given)."""
        low, high = (self.min_repeats, self.max_repeats) if repeats is None else (repeats, repeats)
        return replace(
            self.held_out()._fixed(), min_length=length, max_length=length, min_repeats=low, max_repeats=high
        )

    def _beyond(self) -> Self:
        """More vectors and more copies than the most of each, up to twice as many and one.

        After 1 to 9 of each that is 10 to 19, as in Le et al. (2020), arXiv 1906.08862.
        """
        vectors, copies = self.max_length, self.max_repeats
        fixed = self.held_out()._fixed()
        return replace(
            fixed,
            min_length=vectors + 1,
            max_length=2 * vectors + 1,
            min_repeats=copies + 1,
            max_repeats=2 * copies + 1,
        )

    @property
    def grows_lengths(self) -> bool:
        """No: it is the copies asked for that grow."""
        return False

    def grown(self, fraction: float) -> Self:
        """Answers end at this fraction of the most copies; vectors, repeats and the number that is shown stay.

        A few short vectors fit into a controller's own state: a machine that starts with those learns to do without
        its memory, and has to unlearn it later. And if only small numbers were shown, all of one sign once they are
        normalised, the others would be as good as new when their turn comes. So any number of vectors, for any number
        of repeats, is asked for once, then twice, ... which leads on from copying.
        """
        most = self.max_repeats if self.asked_repeats is None else min(self.asked_repeats, self.max_repeats)
        return replace(self, asked_repeats=grown(1, most, fraction))

    def longest_only(self) -> Self:
        """The most vectors, the most times; practice stays practice."""
        longest = self.at_length(self.max_length, self.max_repeats)
        return replace(longest, asked_repeats=self.asked_repeats, blank_vectors=self.blank_vectors)

    def held_out(self) -> Self:
        """The task without what is there for practice only."""
        practice = self.asked_repeats is not None or self.blank_vectors > 0
        return replace(self, asked_repeats=None, blank_vectors=0.0) if practice else self

    def _content(
        self,
        batch_size: int,
        generator: torch.Generator,
        lengths: int | Tensor | None = None,
        repeats: int | Tensor | None = None,
    ) -> tuple[Float[Tensor, "items batch bits"], Int[Tensor, " batch"], Int[Tensor, " batch"]]:
        """Random vectors, how many of them each sequence has, and how many copies it asks for."""
        count = self._draw_lengths(batch_size, generator, lengths)
        copies = draw_lengths(
            "repeats",
            batch_size,
            repeats,
            smallest=1,
            low=self.min_repeats,
            high=self.max_repeats,
            generator=generator,
        )
        longest = int(count.max())
        vectors = random_vectors(longest, batch_size, self.bits, blank=self.blank_vectors, generator=generator)
        return vectors, count, copies

    def _lay_out(
        self, vectors: Float[Tensor, "items batch bits"], count: Int[Tensor, " batch"], copies: Int[Tensor, " batch"]
    ) -> Batch:
        """The sequences that these vectors make."""
        longest, batch_size, _ = vectors.shape
        shown, number_steps = self._number(copies)
        before = count + number_steps
        marker = before + count * copies
        asked = copies if self.asked_repeats is None else copies.clamp(max=self.asked_repeats)
        steps = before + count * asked + (asked == copies)
        time = torch.arange(int(steps.max())).unsqueeze(-1)

        inputs = torch.zeros(len(time), batch_size, self.input_size)
        inputs[:longest, :, : self.bits] = vectors * (time[:longest] < count).unsqueeze(-1)
        since = time - count
        inputs[..., self.bits :] = place(shown.unsqueeze(-1), since, (since >= 0) & (since < number_steps))

        answer = time - before
        mask = (answer >= 0) & (time < steps)
        targets = torch.zeros(len(time), batch_size, self.output_size)
        targets[:, :, : self.bits] = place(vectors, answer % count, mask & (time < marker))
        targets[..., self.bits] = mask & (time == marker)
        return Batch(inputs, targets, mask, steps)

    @property
    def _bit_names(self) -> tuple[str, ...]:
        return tuple(f"bit {i + 1}" for i in range(self.bits))

    @abstractmethod
    def _number(self, copies: Int[Tensor, " batch"]) -> tuple[Float[Tensor, "most batch"], Int[Tensor, " batch"]]:
        """What the channel of the number shows at the steps after the vectors, and how many of those steps count."""

    def _fixed(self) -> Self:
        """This task with everything written down that a change of range would move."""
        return self

    def _example_batch(self) -> Batch:
        return self.sample(1, torch.Generator().manual_seed(0), lengths=self.example_length, repeats=2)
