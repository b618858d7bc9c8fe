"""Sizes of one call of the memory network's kernels. Plain integers; knows no tensors."""

from collections import namedtuple
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from neuraltape.functional import HopsLayout
from neuraltape.kernels.cpu.lib.job import record as record_of
from neuraltape.kernels.cpu.lib.sizes import up
from neuraltape.kernels.cpu.lib.vector import VECTOR_BYTES


class Sizes(NamedTuple):
    """All sizes that the kernels need."""

    batch: int
    columns: int
    """Columns of the table of facts."""
    slots: int
    hops: int
    tables: int
    """Embeddings, one more than hops."""
    vocabulary: int
    width: int
    padded: int
    """The width in whole vectors."""
    vector: int
    sentences: int
    longest: int
    """Words of a sentence."""
    placed: int
    common: int
    """The length that all sentences are taken to have; 0: each its own."""

    @property
    def row(self) -> int:
        """Numbers of one word or fact as all embeddings see it."""
        return self.tables * self.padded

    @property
    def forward_room(self) -> int:
        """The ramp, all embeddings and ages."""
        return self.padded + (self.vocabulary + self.slots) * self.row

    @property
    def backward_room(self) -> int:
        """As much, then the gradients of a story's facts, of u, and of the weights."""
        return self.forward_room + self.columns * self.row + self.padded + self.columns

    @property
    def learning_room(self) -> int:
        """The ramp; embeddings and ages with their gradients; one story, forward and backward; the answer's scores."""
        whole = 2 * (self.vocabulary + self.slots) * self.row + 2 * self.columns * self.row
        one = (self.hops + 3) * self.padded + (self.hops + 1) * self.columns
        return whole + one + self.vocabulary + self.vector


def sizes(
    layout: HopsLayout, *, batch: int, columns: int, sentences: tuple[int, int], placed: int, item_size: int
) -> Sizes:
    """The sizes of a call."""
    vector = VECTOR_BYTES // item_size
    return Sizes(
        batch=batch,
        columns=columns,
        slots=layout.slots,
        hops=layout.hops,
        tables=layout.hops + 1,
        vocabulary=layout.vocabulary,
        width=layout.width,
        padded=up(layout.width, vector),
        vector=vector,
        sentences=sentences[0],
        longest=sentences[1],
        placed=placed,
        common=layout.sentence_length or 0,
    )


@lru_cache(maxsize=256)
def record(z: Sizes) -> np.ndarray:
    """The same as a NumPy record: the kernels take it by its address."""
    return record_of(z._asdict().items())


# What a kernel is given, by name. Addresses of facts, ages (B, columns), questions (B,), words, places, lengths
# (placed,) and made_of (sentences, longest), see `Sentences`; of embeddings (tables, vocabulary, width), times
# (tables, slots, width) and what else follows. linear: whether the softmax is left out. wrong: set where an index is
# out of range.
_STORY = ("facts", "ages", "questions", "words", "places", "lengths", "made_of")
# Receiving stored (B, columns, row), asked: u before, between and after the hops, (hops + 1, B, padded), and weights
# (hops, B, columns).
ForwardCall = namedtuple(
    "ForwardCall", (*_STORY, "embeddings", "times", "stored", "asked", "weights", "linear", "wrong")
)
# du (B, width); stored, asked, weights as the forward pass left them; receiving the gradients of embeddings and times.
BackwardCall = namedtuple(
    "BackwardCall", (*_STORY, "du", "stored", "asked", "weights", "dembeddings", "dtimes", "linear")
)
# answers (B,); embeddings and times, changed in place; options: learning rate, bound of the gradients, and the sum of
# all losses, which is received; batch_size: questions a step.
LearnCall = namedtuple(
    "LearnCall", (*_STORY, "answers", "embeddings", "times", "options", "batch_size", "linear", "wrong")
)
