"""The memory network in NumPy loops, written from Sukhbaatar et al. (2015), arXiv 1503.08895; nothing is shared."""

import numpy as np


def weight(j: int, k: int, length: int, width: int) -> float:
    """l_kj = (1 - j/J) - (k/d)(1 - 2j/J), j and k from 1: section 4.1."""
    return (1 - j / length) - (k / width) * (1 - 2 * j / length)


def encode(words: list[int], table: np.ndarray, common: int | None) -> np.ndarray:
    """m = sum_j l_j * A x_j; with a common length of all sentences twice that."""
    width = table.shape[1]
    vector = np.zeros(width)
    for j, word in enumerate(words, start=1):
        for k in range(1, width + 1):
            scale = weight(j, k, len(words), width) if common is None else 2 * weight(j, k, common, width)
            vector[k - 1] += scale * table[word, k - 1]
    return vector


def store(fact: list[int], age: int, table: np.ndarray, times: np.ndarray, common: int | None) -> np.ndarray:
    """A fact with its time; with a common length the time is the word at the last place."""
    if common is None:
        return encode(fact, table, None) + times[age]
    width = len(times[age])
    last = np.array([2 * weight(common, k, common, width) for k in range(1, width + 1)])
    return encode(fact, table, common) + last * times[age]


def answer(
    facts: list[list[int]],
    question: list[int],
    embeddings: np.ndarray,
    times: np.ndarray,
    *,
    hops: int,
    slots: int,
    common: int | None,
    between: np.ndarray | None,
    ages: list[int],
    linear: bool,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The logits over the vocabulary, and each hop's weights; facts are the latest first.

    Adjacent sharing where there is no matrix `between` the hops; then embeddings and times are A^1, C^1 = A^2, and so
    on, and the answer's is the last C. Otherwise embeddings are A, C, the question's and the answer's.
    """
    u = encode(question, embeddings[0 if between is None else 2], common)
    weights = []
    for hop in range(hops):
        a, c = (hop, hop + 1) if between is None else (0, 1)
        told = list(zip(facts, ages, strict=True))
        # Empty slots hold zeros.
        empty = [np.zeros_like(u)] * (slots - len(facts))
        keys = [store(fact, age, embeddings[a], times[a], common) for fact, age in told] + empty
        values = [store(fact, age, embeddings[c], times[c], common) for fact, age in told] + empty
        scores = np.array([u @ key for key in keys])
        if not linear:
            scores = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
        weights.append(scores[: len(facts)])
        o = sum((p * value for p, value in zip(scores, values, strict=True)), start=np.zeros_like(u))
        u = o + (u if between is None else u @ between)
    return embeddings[-1] @ u, weights
