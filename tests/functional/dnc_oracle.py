"""One step of the Differentiable Neural Computer's access as NumPy loops over single numbers, in float64.

Written from Graves et al. (2016), Nature 538:471, Methods, with one write head, and from Csordas and Schmidhuber
(2019), arXiv 1904.10278, for masks, wiping and sharpened links; shares nothing with the code under test. No batch:
arrays are those of one sequence, memory (slots, width), read weights (heads, slots), all other weightings (slots,).
"""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
EPS = 1e-6


def retention(free: Array, read: Array) -> Array:
    """psi[n] = prod_i (1 - f_i w^r_i[n])."""
    kept = np.ones(read.shape[1])
    for i, n in np.ndindex(*read.shape):
        kept[n] *= 1 - free[i] * read[i, n]
    return kept


def usage(before: Array, written: Array, kept: Array) -> Array:
    """u[n] = (u + w - u w) psi."""
    return np.array([(u + w - u * w) * k for u, w, k in zip(before, written, kept, strict=True)])


def allocation(used: Array) -> Array:
    """a[phi_j] = (1 - u[phi_j]) prod_{i<j} u[phi_i], after u = eps + (1 - eps) u."""
    moved = [EPS + (1 - EPS) * float(u) for u in used]
    given, taken = np.zeros(len(moved)), 1.0
    for n in sorted(range(len(moved)), key=lambda n: (used[n], n)):
        given[n] = (1 - moved[n]) * taken
        taken *= moved[n]
    return given


def link(before: Array, last: Array, written: Array) -> Array:
    """L[i,j] = (1 - w[i] - w[j]) L[i,j] + w[i] p[j], the diagonal 0."""
    after = np.zeros_like(before)
    for i, j in np.ndindex(*before.shape):
        if i != j:
            after[i, j] = (1 - written[i] - written[j]) * before[i, j] + written[i] * last[j]
    return after


def precedence(before: Array, written: Array) -> Array:
    """p[n] = (1 - sum w) p[n] + w[n]."""
    total = sum(float(w) for w in written)
    return np.array([(1 - total) * p + w for p, w in zip(before, written, strict=True)])


def follow(linked: Array, read: Array) -> tuple[Array, Array]:
    """b[j] = sum_i L[i,j] w[i] and f[i] = sum_j L[i,j] w[j]."""
    backward, forward = np.zeros_like(read), np.zeros_like(read)
    for h, i, j in np.ndindex(len(read), *linked.shape):
        backward[h, j] += linked[i, j] * read[h, i]
        forward[h, i] += linked[i, j] * read[h, j]
    return backward, forward


def sharpen_link(followed: Array, sharpness: Array) -> Array:
    """((x + eps) / max)^s over its sum; 0 where x is 0 everywhere."""
    sharp = np.zeros_like(followed)
    for h, row in enumerate(followed):
        if max(row) > 0:
            powers = [((float(x) + EPS) / max(row)) ** float(sharpness[h]) for x in row]
            sharp[h] = np.array(powers) / sum(powers)
    return sharp


def content(memory: Array, key: Array, strength: float, mask: Array | None) -> Array:
    """softmax over n of beta cos(k m, M[n] m)."""
    mask = np.ones(len(key)) if mask is None else mask
    powers = []
    for row in memory:
        one, other = [x * m for x, m in zip(key, mask, strict=True)], [x * m for x, m in zip(row, mask, strict=True)]
        lengths = math.sqrt(sum(x * x for x in one)) * math.sqrt(sum(x * x for x in other))
        dot = sum(x * y for x, y in zip(one, other, strict=True))
        powers.append(math.exp(strength * (dot / lengths if lengths > 0 else 0.0)))
    return np.array(powers) / sum(powers)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def oneplus(x: Array) -> Array:
    return 1 + np.log1p(np.exp(x))


def step(
    raw: Array,
    state: tuple[Array, ...],
    heads: int,
    *,
    links: bool,
    masked: bool,
    wipe: bool,
    sharpen_links: bool,
    layer_norm: bool,
) -> tuple[Array, ...]:
    """Memory, read weights, write weights, usage, links, precedence and reads after a step."""
    memory, last_read, last_write, used, linked, last, _ = state
    slots, width = memory.shape
    if layer_norm:
        raw = (raw - raw.mean()) / math.sqrt(raw.var() + 1e-5)
    rest = list(raw)

    def take(count: int) -> Array:
        taken, rest[:count] = np.array(rest[:count]), []
        return taken

    keys = take((heads + 1) * width).reshape(heads + 1, width)
    masks = 0.1 + 0.9 * sigmoid(take((heads + 1) * width).reshape(heads + 1, width)) if masked else [None] * (heads + 1)
    strengths, erase, add = oneplus(take(heads + 1)), sigmoid(take(width)), take(width)
    free, allocate, write = sigmoid(take(heads)), float(sigmoid(take(1))[0]), float(sigmoid(take(1))[0])
    modes = take(3 * heads * links).reshape(-1, 3)
    sharpness = oneplus(take(2 * heads * sharpen_links)).reshape(-1, 2)
    assert not rest
    kept = retention(free, last_read)
    used = usage(used, last_write, kept)
    given, same = allocation(used), content(memory, keys[heads], strengths[heads], masks[heads])
    written = np.array([write * (allocate * a + (1 - allocate) * c) for a, c in zip(given, same, strict=True)])
    after = np.zeros_like(memory)
    for n, w in np.ndindex(slots, width):
        old = memory[n, w] * (kept[n] if wipe else 1.0)
        after[n, w] = old * (1 - written[n] * erase[w]) + written[n] * add[w]
    read = np.stack([content(after, keys[h], strengths[h], masks[h]) for h in range(heads)])
    if links:
        linked, last = link(linked, last, written), precedence(last, written)
        backward, forward = follow(linked, last_read)
        if sharpen_links:
            backward, forward = sharpen_link(backward, sharpness[:, 0]), sharpen_link(forward, sharpness[:, 1])
        for h in range(heads):
            powers = np.exp(modes[h]) / np.exp(modes[h]).sum()
            read[h] = powers[0] * backward[h] + powers[1] * read[h] + powers[2] * forward[h]
    reads = np.zeros((heads, width))
    for h, n in np.ndindex(heads, slots):
        reads[h] += read[h, n] * after[n]
    return after, read, written, used, linked, last, reads
