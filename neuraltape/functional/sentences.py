"""Many sentences as one object that a memory network takes: every word at every place, each once."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import embedding, embedding_bag

from neuraltape.printed import record_repr


def position_weights(
    place: Int[Tensor, " words"], length: Int[Tensor, " words"], width: int, *, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "words width"]:
    """The position encoding: the weight of each component of a word's vector (the paper's section 4.1).

        l_kj = (1 - j/J) - (k/d) (1 - 2j/J)

    Args:
        place: j, counted from 1.
        length: J, how many words the sentence has.
        width: d; k is counted from 1.
        dtype: of the weights.
    """
    j = (place.to(dtype) / length).unsqueeze(-1)
    k = torch.arange(1, width + 1, dtype=dtype, device=place.device) / width
    return (1 - j) - k * (1 - 2 * j)


class Sentences(NamedTuple):
    """Sentences, which share most of their words at the same places: what a word adds there is computed once."""

    words: Int[Tensor, " placed"]
    """The word of each placed word; the first one is no word."""
    places: Int[Tensor, " placed"]
    """Where in its sentence it stands, counted from 1."""
    lengths: Int[Tensor, " placed"]
    """How many words the sentence has."""
    made_of: Int[Tensor, "sentences longest"]
    """The placed words of each sentence; 0 past its end."""

    __repr__ = record_repr

    @classmethod
    def of(cls, words: Int[Tensor, "sentences longest"]) -> "Sentences":
        """Sentences from the numbers of their words, 0 past their ends.

        Raises:
            ValueError: another shape, or a 0 before a word.
        """
        if words.dim() != 2:
            raise ValueError(f"words must be (sentences, longest); got shape {tuple(words.shape)}")
        there = words > 0
        if (there[:, 1:] & ~there[:, :-1]).any():
            raise ValueError("words must be above 0 from a sentence's first word to its last, and 0 after it")
        places = torch.arange(1, words.shape[1] + 1, device=words.device).expand_as(words) * there
        lengths = there.sum(-1, keepdim=True).expand_as(words).clamp(min=1)
        # Where there is no word, so that the first placed word is none whatever the sentences are.
        nothing = torch.tensor([[0, 0, 1]], device=words.device)
        every = torch.stack([words, places, torch.where(there, lengths, 1)], -1).flatten(0, 1)
        placed, which = torch.cat([nothing, every]).unique(dim=0, return_inverse=True)
        return cls(*placed.unbind(-1), made_of=which[1:].view_as(words))

    def encode(
        self,
        which: Int[Tensor, " chosen"],
        embeddings: Float[Tensor, "tables vocabulary width"],
        *,
        sentence_length: int | None = None,
    ) -> Float[Tensor, "chosen tables width"]:
        """The vectors of some sentences as each embedding sees them: sum_j l_j * A x_j.

        Sukhbaatar et al. (2015), arXiv 1503.08895, section 4.1. A sentence without words is the zero vector.

        Args:
            which: sentences, by their places in `made_of`.
            embeddings: A and its kind, transposed.
            sentence_length: J for all sentences, with weights twice those of the formula; None: each one's own.
        """
        # A tracer makes tensors of sizes.
        tables, width = embeddings.shape[0], int(embeddings.shape[2])
        if sentence_length is None:
            weights = position_weights(self.places, self.lengths, width, dtype=embeddings.dtype)
        else:
            lengths = torch.full_like(self.places, sentence_length)
            weights = 2 * position_weights(self.places, lengths, width, dtype=embeddings.dtype)
        weights = weights * (self.words > 0).unsqueeze(-1)
        rows = embedding(self.words, embeddings.transpose(0, 1).flatten(1)) * weights.repeat(1, tables)
        return embedding_bag(self.made_of[which], rows, mode="sum").unflatten(1, (tables, width))
