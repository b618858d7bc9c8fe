"""Associative recall: items in a row, then one of them again; answer with the item that followed it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.draft import Composed, Draft, Drawing
from neuraltape.tasks.draw import MOST_CHANNELS, check_integer, place, random_bits, random_integers
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
    words: ClassVar[Mapping[str, str]] = {
        "task": "Associative recall: items go in; asked with one of them, the machine must answer with the next.",
        "draft query": "Ask for item",
        "channel item delimiter": "item",
        "channel query delimiter": "query",
    }

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
        check_integer("bits", self.bits, least=1, most=MOST_CHANNELS)

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
        """Up to more than three times the most items of training; ten times where that is more than the paper's."""
        if self.max_length > 6:
            longer = (self.at_length(times * self.max_length) for times in (1, 2, 10))
            return *super().probes, *map(Probe, longer)
        return (
            *super().probes,
            Probe(self.at_length(8)),
            Probe(self.at_length(10)),
            # This is almost perfect: one per cent of an answer's 18 bits.
            Probe(self.at_length(12), Goal("wrong", 0.18)),
            Probe(self.at_length(15), Goal("bits", 1)),
            Probe(self.at_length(20)),
        )

    def sample(self, batch_size: int, generator: torch.Generator, *, lengths: int | Tensor | None = None) -> Batch:
        """Draw lists; see `Task.sample`."""
        return self._lay_out(*self._content(batch_size, generator, lengths))

    @property
    def drawing(self) -> Drawing:
        """The items' vectors, and which item is asked for, from 1."""
        numbers = {"query": lambda length: range(1, length)}
        return Drawing(self.bits, item=self.item_vectors, numbers=numbers, start=4, grows=False)

    def draw(self, length: int, generator: torch.Generator) -> Draft:
        """A random draft; see `Task.draw`."""
        vectors, _, query = self.at_length(length)._content(1, generator)
        return Draft(vectors[:, 0], numbers={"query": int(query) + 1})

    def compose(self, draft: Draft) -> Composed:
        """A draft laid out over time; see `Task.compose`."""
        items = self._check_draft(draft)
        query = torch.tensor([draft.numbers["query"] - 1])
        batch = self._lay_out(draft.vectors.unsqueeze(1), torch.tensor([items]), query)
        index = torch.arange(len(draft.vectors))
        return Composed(batch, (index + index // self.item_vectors + 1).tolist())

    def _content(
        self, batch_size: int, generator: torch.Generator, lengths: int | Tensor | None = None
    ) -> tuple[Float[Tensor, "vectors batch bits"], Int[Tensor, " batch"], Int[Tensor, " batch"]]:
        """Random vectors, how many items they make in each list, and which of them is asked for, from 0."""
        items = self._draw_lengths(batch_size, generator, lengths)
        query = random_integers(0, items - 2, generator=generator)
        most = int(items.max()) * self.item_vectors
        return random_bits(most, batch_size, self.bits, generator=generator), items, query

    def _lay_out(
        self, vectors: Float[Tensor, "vectors batch bits"], items: Int[Tensor, " batch"], query: Int[Tensor, " batch"]
    ) -> Batch:
        """The sequences that these items make."""
        size, batch_size = self.item_vectors, vectors.shape[1]
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
