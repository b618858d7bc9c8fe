"""The memory network in NumPy loops, written from Sukhbaatar et al. (2015), arXiv 1503.08895; nothing is shared."""

import numpy as np


def encode(words: list[int], table: np.ndarray) -> np.ndarray:
    """m = sum_j l_j * A x_j with l_kj = (1 - j/J) - (k/d)(1 - 2j/J), j and k from 1: section 4.1."""
    length, width = len(words), table.shape[1]
    vector = np.zeros(width)
    for j, word in enumerate(words, start=1):
        for k in range(1, width + 1):
            vector[k - 1] += ((1 - j / length) - (k / width) * (1 - 2 * j / length)) * table[word, k - 1]
    return vector


def answer(
    facts: list[list[int]],
    question: list[int],
    embeddings: np.ndarray,
    times: np.ndarray,
    *,
    hops: int,
    between: np.ndarray | None,
    ages: list[int],
    linear: bool,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The logits over the vocabulary, and each hop's weights; facts are the latest first.

    Adjacent sharing where there is no matrix `between` the hops; then embeddings and times are A^1, C^1 = A^2, and so
    on, and the answer's is the last C. Otherwise embeddings are A, C, the question's and the answer's.
    """
    u = encode(question, embeddings[0 if between is None else 2])
    weights = []
    for hop in range(hops):
        a, c = (hop, hop + 1) if between is None else (0, 1)
        keys = [encode(fact, embeddings[a]) + times[a, age] for fact, age in zip(facts, ages, strict=True)]
        values = [encode(fact, embeddings[c]) + times[c, age] for fact, age in zip(facts, ages, strict=True)]
        scores = np.array([u @ key for key in keys])
        if not linear and len(scores):
            scores = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
        weights.append(scores)
        o = sum((p * value for p, value in zip(scores, values, strict=True)), start=np.zeros_like(u))
        u = o + (u if between is None else u @ between)
    return embeddings[-1] @ u, weights
