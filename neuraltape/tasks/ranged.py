"""What the tasks share whose sequences are made up afresh: a range that lengths are drawn from."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
from torch import Tensor

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.draft import Draft, check_draft
from neuraltape.tasks.draw import check_integer, check_range, draw_lengths
from neuraltape.tasks.probe import Probe
from neuraltape.tasks.task import Task, grown


@dataclass(frozen=True, kw_only=True)
class RangedTask(Task):
    """A task whose sequences are made up afresh, with lengths uniform over a range."""

    min_length: int
    """The least length."""
    max_length: int
    """The greatest length."""

    example_length: ClassVar[int]
    """A length that is small enough to look at."""

    def __post_init__(self) -> None:
        check_range(("min_length", "max_length"), self.min_length, self.max_length, least=self.least)

    @property
    def shortest(self) -> int:
        """`min_length`."""
        return self.min_length

    @property
    def longest(self) -> int:
        """`max_length`."""
        return self.max_length

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The range of training, on 1,000 sequences; a task adds others beyond it. Without a goal there are none."""
        return () if self.goal is None else (Probe(self.held_out(), self.goal, sequences=1_000),)

    def at_length(self, length: int) -> Self:
        """The same task with every sequence of exactly this length."""
        return replace(self, min_length=length, max_length=length)

    def grown(self, fraction: float) -> Self:
        """The same task with `max_length` at this fraction of it, at least `min_length`."""
        return replace(self, max_length=grown(self.min_length, self.max_length, fraction))

    def _draw_lengths(self, batch_size: int, generator: torch.Generator, lengths: int | Tensor | None) -> Tensor:
        return draw_lengths(
            "lengths",
            batch_size,
            lengths,
            smallest=self.least,
            low=self.min_length,
            high=self.max_length,
            generator=generator,
        )

    def _check_draft(self, draft: Draft) -> int:
        """The draft's length. Raises ValueError where the draft makes no sequence of this task."""
        drawing = self.drawing
        if drawing is None:
            raise ValueError(f"sequences of {self.name} can't be drawn by hand")
        length = check_draft(draft, drawing, self.name)
        check_integer("length", length, least=self.least)
        return length

    def _example_batch(self) -> Batch:
        return self.at_length(self.example_length).sample(1, torch.Generator().manual_seed(0))
