"""The maths of a memory network: sentences as vectors, and reading them by content. Knows no parameters.

Sukhbaatar, Szlam, Weston and Fergus (2015), arXiv 1503.08895, below "the paper". Stories differ in length: facts of
all stories of a batch stand one after the other, and `story` says whose each is, so that no work is spent on padding.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import embedding, embedding_bag


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


def attend(
    query: Float[Tensor, "batch width"],
    keys: Float[Tensor, "facts width"],
    story: Int[Tensor, " facts"],
    filled: Bool[Tensor, "batch slots"],
    *,
    linear: bool = False,
) -> Float[Tensor, " facts"]:
    """How much of each fact a hop reads: p_i = softmax(u m_i) over the facts of its story (the paper's equation 1).

    Args:
        query: u of each question.
        keys: m of each fact, story after story.
        story: which question each fact belongs to, ascending.
        filled: the slots in which each question's facts lie, as many as there are facts, in the same order.
        linear: leave out the softmax, for the paper's linear start (section 4.1).
    """
    scores = (embedding(story, query) * keys).sum(-1)
    if linear:
        return scores
    # The least number in place of minus infinity: a story without facts has no softmax, but no NaN either.
    table = scores.new_full(filled.shape, torch.finfo(scores.dtype).min).masked_scatter(filled, scores)
    return table.softmax(-1)[filled]


def gather_facts(
    weights: Float[Tensor, " facts"], values: Float[Tensor, "facts width"], starts: Int[Tensor, " batch"]
) -> Float[Tensor, "batch width"]:
    """What a hop reads: o = sum_i p_i c_i over the facts of each story (the paper's equation 2).

    Args:
        weights: p of each fact, story after story.
        values: c of each fact.
        starts: where each story's facts begin; a story without facts reads zeros.
    """
    every = torch.arange(len(values), device=values.device)
    return embedding_bag(every, values, starts, per_sample_weights=weights, mode="sum")
