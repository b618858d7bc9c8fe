"""Associative recall: items in a row, then one of them again; answer with the item that followed it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.draw import check_integer, place, random_bits, random_integers
from neuraltape.tasks.goal import Goal
from neuraltape.tasks.probe import Probe
from neuraltape.tasks.ranged import RangedTask


@dataclass(frozen=True, kw_only=True)
class AssociativeRecall(RangedTask):
    """Shown a list of items and one of them again, give back the next one in the list.

    Paper (Graves, Wayne and Danihelka 2014, arXiv 1410.5401), section 4.3. An item is some random bit vectors; an
    item delimiter stands before each, on its own channel. The query, any item but the last, stands between two query
    delimiters, on another. While the machine answers its input is all zero. Items are drawn independently, so two may
    be equal (with the paper's 18 bits an item, in fewer than one of 10,000 sequences). A list of n items of v vectors
    takes n (v + 1) + (v + 2) + v steps.

    Two items of one vector of two bits, the first is asked for (columns are steps, blanks are not scored):

        inputs   bit 1            . # . . . # . .
                 bit 2            . . . # . . . .
                 item delimiter   # . # . . . . .
                 query delimiter  . . . . # . # .
        targets  bit 1                          .
                 bit 2                          #
    """

    name: ClassVar[str] = "associative-recall"
    summary: ClassVar[str] = "given an item of a list, answer with the item after it"
    goal: ClassVar[Goal | None] = Goal("bits", 0.1)
    paper_parameters: ClassVar[Mapping[str, int]] = {"lstm": 70_330, "feedforward": 146_845, "baseline": 1_344_518}
    length_name: ClassVar[str] = "items"
    example_length: ClassVar[int] = 3

    min_length: int = 2
    """Items in the shortest list."""
    max_length: int = 6
    """Items in the longest list."""
    item_vectors: int = 3
    """Vectors of an item."""
    bits: int = 6
    """Bits of a vector."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer("item_vectors", self.item_vectors, least=1)
        check_integer("bits", self.bits, least=1)

    @property
    def least(self) -> int:
        """Two: the item asked for and the one after it."""
        return 2

    @property
    def input_names(self) -> tuple[str, ...]:
        """The vector's bits and the two delimiters."""
        return *self.output_names, "item delimiter", "query delimiter"

    @property
    def output_names(self) -> tuple[str, ...]:
        """The vector's bits."""
        return tuple(f"bit {i + 1}" for i in range(self.bits))

    @property
    def probes(self) -> tuple[Probe, ...]:
        """Up to more than three times the most items of training."""
        return (
            *super().probes,
            Probe(self.at_length(8)),
            Probe(self.at_length(10)),
            # Almost perfect: one per cent of an answer's 18 bits.
            Probe(self.at_length(12), Goal("wrong", 0.18)),
            Probe(self.at_length(15), Goal("bits", 1)),
            Probe(self.at_length(20)),
        )

    def sample(self, batch_size: int, generator: torch.Generator, *, lengths: int | Tensor | None = None) -> Batch:
        """Draw lists; see `Task.sample`."""
        items = self._draw_lengths(batch_size, generator, lengths)
        query = random_integers(0, items - 2, generator=generator)
        size = self.item_vectors
        vectors = random_bits(int(items.max()) * size, batch_size, self.bits, generator=generator)

        asked = items * (size + 1)
        answered = asked + size + 2
        steps = answered + size
        time = torch.arange(int(steps.max())).unsqueeze(-1)
        item, part = time // (size + 1), time % (size + 1)
        in_list, in_query = time < asked, (time > asked) & (time < answered - 1)
        index = torch.where(in_list, item * size + part - 1, query * size + time - asked - 1)

        inputs = torch.zeros(len(time), batch_size, self.input_size)
        inputs[:, :, : self.bits] = place(vectors, index, (in_list & (part > 0)) | in_query)
        inputs[:, :, self.bits] = (in_list & (part == 0)).float()
        inputs[:, :, self.bits + 1] = ((time == asked) | (time == answered - 1)).float()
        mask = (time >= answered) & (time < steps)
        targets = place(vectors, (query + 1) * size + time - answered, mask)
        return Batch(inputs, targets, mask, steps)
