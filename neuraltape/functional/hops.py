"""The maths of a memory network: facts are read by content, hop after hop. Knows no parameters.

Sukhbaatar, Szlam, Weston and Fergus (2015), arXiv 1503.08895, below "the paper". Stories differ in length: facts of
all stories of a batch stand one after the other, and `story` says whose each is, so that no work is spent on padding.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import embedding, embedding_bag

from neuraltape.functional.sentences import Sentences, position_weights
from neuraltape.printed import record_repr


@dataclass(frozen=True)
class HopsLayout:
    """The sizes of a memory network, and how its embeddings are shared."""

    vocabulary: int
    """Words and answers, number 0 included."""
    width: int
    """d, the length of all vectors."""
    slots: int
    """Facts that can be remembered."""
    hops: int
    """How often they are read."""
    adjacent: bool = True
    """A of a hop is C of the one before; else layer-wise: all hops have the same."""
    sentence_length: int | None = None
    """See `MemoryNetwork`."""


def ask_facts(
    sentences: Sentences,
    facts: Int[Tensor, "batch slots"],
    ages: Int[Tensor, "batch slots"],
    questions: Int[Tensor, " batch"],
    embeddings: Float[Tensor, "tables vocabulary width"],
    times: Float[Tensor, "stored all_slots width"],
    between: Float[Tensor, "width width"] | None,
    layout: HopsLayout,
    *,
    linear: bool = False,
) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "hops batch slots"]]:
    """Ask the facts each question, in all hops.

    Args:
        sentences: those that facts and questions may be.
        facts: which sentence each fact is; -1 where there is none.
        ages: how many facts ago each one was told; whatever there is where there is none.
        questions: which sentence each question is.
        embeddings: adjacent: A of the first hop and C of each; layer-wise: A, C, the question's, the answer's.
        times: the vectors of ages that go with A and C.
        between: layer-wise: H; adjacent: None.
        layout: the sizes.
        linear: leave out the softmax.

    Returns:
        What the answer is told from, u after the last hop, and how much of each fact each hop read.
    """
    told = tell_facts(sentences, facts, ages, questions, embeddings, times, layout)
    query, filled, weights = told.query, told.filled, []
    for hop in range(layout.hops):
        keys, values = told.of(hop, layout)
        scores = match_facts(query, keys, told.story)
        read = scores if linear else attend(scores, filled, told.empty)
        weights.append(read.detach())
        query = next_query(query, gather_facts(read, values, told.starts), between)
    found = torch.stack(weights)
    table = found.new_zeros(layout.hops, *filled.shape)
    table[:, filled] = found
    return query, table


class Told(NamedTuple):
    """Facts and questions as their embeddings see them, before the first hop."""

    query: Float[Tensor, "batch width"]
    """u of each question."""
    stored: tuple[Float[Tensor, "facts width"], ...]
    """The facts, story after story, as each embedding sees them."""
    story: Int[Tensor, " facts"]
    """Which question each fact belongs to, ascending."""
    starts: Int[Tensor, " batch"]
    """Where each story's facts begin."""
    filled: Bool[Tensor, "batch slots"]
    """The slots in which each question's facts lie, as many as there are facts, in the same order."""
    empty: Int[Tensor, " batch"]
    """How many empty slots each question has besides."""

    __repr__ = record_repr

    def of(self, hop: int, layout: HopsLayout) -> tuple[Tensor, Tensor]:
        """M and c of each fact in a hop, (facts, width) each."""
        first = hop if layout.adjacent else 0
        return self.stored[first], self.stored[first + 1]


def tell_facts(
    sentences: Sentences,
    facts: Int[Tensor, "batch slots"],
    ages: Int[Tensor, "batch slots"],
    questions: Int[Tensor, " batch"],
    embeddings: Float[Tensor, "tables vocabulary width"],
    times: Float[Tensor, "stored all_slots width"],
    layout: HopsLayout,
) -> Told:
    """Embed the facts and the questions. Arguments: see `ask_facts`."""
    filled = facts >= 0
    story, _ = filled.nonzero(as_tuple=True)
    starts = torch.searchsorted(story, torch.arange(facts.shape[0], device=facts.device))
    # A sentence that several stories have is encoded once, facts and questions together.
    # The questions come first: how many they are is no matter of what is in them, so that tracers can follow.
    distinct, which = torch.cat([questions, facts[filled]]).unique(return_inverse=True)
    asked, which_facts = which[: questions.shape[0]], which[questions.shape[0] :]
    encoded = sentences.encode(distinct, embeddings, sentence_length=layout.sentence_length).flatten(1)
    query = encoded.unflatten(1, (-1, layout.width))[asked, 0 if layout.adjacent else 2]
    if layout.sentence_length is not None:
        # The time is the word at the last place.
        last = torch.ones(1, dtype=torch.int64, device=times.device)
        times = times * (2 * position_weights(last, last, layout.width, dtype=times.dtype))
    told = times.transpose(0, 1).flatten(1)
    facts_in = encoded[:, : told.shape[1]]
    stored = embedding(which_facts, facts_in) + embedding(ages[filled], told)
    stored = stored.unflatten(1, (-1, layout.width)).unbind(1)
    return Told(query, stored, story, starts, filled, layout.slots - filled.sum(-1))


def next_query(
    query: Float[Tensor, "batch width"],
    found: Float[Tensor, "batch width"],
    between: Float[Tensor, "width width"] | None,
) -> Float[Tensor, "batch width"]:
    """What asks the next hop: u + o, layer-wise H u + o (the paper's equation 4 and section 2.2)."""
    return found + (query if between is None else query @ between)


def match_facts(
    query: Float[Tensor, "batch width"], keys: Float[Tensor, "facts width"], story: Int[Tensor, " facts"]
) -> Float[Tensor, " facts"]:
    """How well each fact answers its question: u m_i. With the paper's linear start (section 4.1) it is what is read.

    Args:
        query: u of each question.
        keys: m of each fact, story after story.
        story: which question each fact belongs to, ascending.
    """
    return (embedding(story, query) * keys).sum(-1)


def attend(
    scores: Float[Tensor, " facts"],
    filled: Bool[Tensor, "batch slots"],
    empty: Int[Tensor, " batch"],
) -> Float[Tensor, " facts"]:
    """How much of each fact a hop reads: p_i = softmax(u m_i) over the slots of its story (the paper's equation 1).

    Empty slots count: no word has the zero vector, so their m is zero and their score 0, and what they take of the
    softmax reads nothing. So a hop can pass over all facts.

    Args:
        scores: u m_i of each fact, story after story.
        filled: the slots in which each question's facts lie, as many as there are facts, in the same order.
        empty: how many empty slots each question has besides.
    """
    # The least number in place of minus infinity: a story with neither facts nor empty slots has no softmax, but no
    # NaN either. All empty slots together are one column.
    least = torch.finfo(scores.dtype).min
    table = scores.new_full(filled.shape, least).masked_scatter(filled, scores)
    nothing = empty.to(scores.dtype).log().clamp(min=least).unsqueeze(-1)
    return torch.cat([table, nothing], -1).softmax(-1)[:, :-1][filled]


def gather_facts(
    weights: Float[Tensor, " facts"], values: Float[Tensor, "facts width"], starts: Int[Tensor, " batch"]
) -> Float[Tensor, "batch width"]:
    """What a hop reads: o = sum_i p_i c_i over the facts of each story (the paper's equation 2).

    Args:
        weights: p of each fact, story after story.
        values: c of each fact.
        starts: where each story's facts begin; a story without facts reads zeros.
    """
    every = torch.arange(values.shape[0], device=values.device)
    return embedding_bag(every, values, starts, per_sample_weights=weights, mode="sum")
