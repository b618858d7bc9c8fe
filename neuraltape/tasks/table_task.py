"""What the tasks share whose sequences are given: they lie in a table, and batches are drawn from some of its rows."""

import copy
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.block import CHUNK
from neuraltape.tasks.draw import check_integer, draw_lengths
from neuraltape.tasks.score import class_costs, square_costs, wrong_classes, wrong_values
from neuraltape.tasks.table import Kind, Table
from neuraltape.tasks.task import Task, grown

# As much of a sequence as fits a line.
_EXAMPLE_STEPS = 60


@dataclass(frozen=True, eq=False)
class TableTask(Task):
    """A task that draws from the rows of a table; `rows` says from which."""

    @property
    @abstractmethod
    def table(self) -> Table:
        """All sequences."""

    @property
    @abstractmethod
    def rows(self) -> Int[Tensor, " rows"]:
        """The rows that `sample` draws from."""

    @property
    @abstractmethod
    def source(self) -> str:
        """Where the sequences come from, for messages."""

    @property
    def input_size(self) -> int:
        """Features of a step, or symbols."""
        return self.table.input_size

    @property
    def output_size(self) -> int:
        """Features of a target, or classes."""
        return self.table.output_size

    @property
    def target_kind(self) -> Kind:
        """What the table's targets are."""
        return self.table.kind

    @property
    def takes_symbols(self) -> bool:
        """Whether the table's inputs are symbols."""
        return self.table.inputs.dim() == 2

    @property
    def shortest(self) -> int:
        """The least length among the rows drawn from."""
        return int(self.table.lengths[self.rows].min())

    @property
    def longest(self) -> int:
        """The greatest length among the rows drawn from."""
        return int(self.table.lengths[self.rows].max())

    def sample(self, batch_size: int, generator: torch.Generator, *, lengths: int | Tensor | None = None) -> Batch:
        """Draw rows; none twice before each was drawn once. With `lengths`, rows of these lengths.

        Raises:
            ValueError: a batch size below 1, or a length that no row has.
        """
        check_integer("batch_size", batch_size, least=1)
        if lengths is None:
            return self.batch(_deal(self.rows, batch_size, generator))
        wanted = draw_lengths("lengths", batch_size, lengths, smallest=1, low=1, high=1, generator=generator)
        chosen = torch.empty_like(wanted)
        for length in wanted.unique().tolist():
            places = wanted == length
            chosen[places] = _deal(self._of_length(length), int(places.sum()), generator)
        return self.batch(chosen)

    def batch(self, rows: Int[Tensor, " batch"]) -> Batch:
        """These rows of the table as a batch."""
        lengths = self.table.lengths[rows]
        longest = int(lengths.max())
        inputs, targets, mask = (
            tensor[rows, :longest].transpose(0, 1).contiguous()
            for tensor in (self.table.inputs, self.table.targets, self.table.mask)
        )
        padding = torch.arange(longest).unsqueeze(-1) >= lengths
        inputs, targets = (
            each.long().masked_fill_(padding, 0)
            if each.dim() == 2
            else each.float().masked_fill_(padding.unsqueeze(-1), 0)
            for each in (inputs, targets)
        )
        return Batch(inputs, targets, mask, lengths)

    def goals(self, rows: Int[Tensor, " rows"]) -> Iterator[Tensor]:
        """The scored targets of these rows, in parts: (steps,) int64 classes, or (steps, features) float64."""
        for some in rows.split(CHUNK):
            part = self.table.targets[some][self.table.mask[some]]
            yield part.long() if self.target_kind == "classes" else part.double()

    def scores_any(self, rows: Int[Tensor, " rows"]) -> bool:
        """Whether any step of these rows is scored."""
        return any(bool(self.table.mask[some].any()) for some in rows.split(CHUNK))

    def at_length(self, length: int) -> Self:
        """The rows of exactly this length. Raises ValueError where there are none."""
        return self.only(self._of_length(length))

    def grown(self, fraction: float) -> Self:
        """The rows that are no longer than this fraction of the longest, the shortest ones in any case."""
        lengths = self.table.lengths[self.rows]
        return self.only(self.rows[lengths <= grown(self.shortest, self.longest, fraction)])

    def only(self, rows: Tensor) -> Self:
        """The same task, drawing from these rows. The data isn't read again."""
        view = copy.copy(self)
        # `rows` is a cached property in a frozen dataclass: this is its cache.
        object.__setattr__(view, "rows", rows)
        return view

    @property
    def costs_bits(self) -> bool:
        """Whether `loss` is the outputs' binary cross-entropy and nothing else."""
        return self.table.kind == "bits" and type(self).loss is Task.loss and type(self).costs is TableTask.costs

    def costs(self, outputs: Tensor, batch: Batch) -> Float[Tensor, "time batch"]:
        """What each step costs: nats, or for values the squared error."""
        if self.table.kind == "bits":
            return super().costs(outputs, batch)
        return (class_costs if self.table.kind == "classes" else square_costs)(outputs, batch.targets, batch.mask)

    def mistakes(self, outputs: Tensor, batch: Batch) -> Int[Tensor, "time batch"]:
        """How many targets of each step are wrong; for values: are missed by more than 0.5."""
        if self.table.kind == "bits":
            return super().mistakes(outputs, batch)
        return (wrong_classes if self.table.kind == "classes" else wrong_values)(outputs, batch.targets, batch.mask)

    def _of_length(self, length: int) -> Tensor:
        lengths = self.table.lengths[self.rows]
        rows = self.rows[lengths == length]
        if not len(rows):
            nearest = int(lengths[(lengths - length).abs().argmin()])
            raise ValueError(
                f"{self.source}: no sequence of length {length} among these rows; the nearest is {nearest}"
            )
        return rows

    def _example_batch(self) -> Batch:
        inputs, targets, mask, lengths = self.batch(self.rows[:1])
        shown = slice(0, _EXAMPLE_STEPS)
        return Batch(inputs[shown], targets[shown], mask[shown], lengths.clamp(max=_EXAMPLE_STEPS))


def _deal(rows: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` of the rows in random order, each as often as the others, give or take one."""
    hands = [rows[torch.randperm(len(rows), generator=generator)] for _ in range(-(-count // len(rows)))]
    return torch.cat(hands)[:count]
