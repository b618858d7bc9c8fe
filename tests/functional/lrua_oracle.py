"""One step of access by least-recently-used writes as NumPy loops over single numbers, in float64.

Written from Santoro et al. (2016), arXiv 1605.06065, section 3, with the choices that `lrua_step` names; shares nothing
with the code under test.
"""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def length(vector: Array) -> float:
    """|v|, rounded up where it is short: sqrt(|v|^2 + 0.1^2)."""
    return math.sqrt(sum(float(x) ** 2 for x in vector) + 0.01)


def read_weights(memory: Array, key: Array, strength: Array) -> Array:
    """Equations 2 and 3: exp(beta K(k, M(i))) / sum_j exp(beta K(k, M(j)))."""
    batch, heads, _ = key.shape
    weights = np.zeros((batch, heads, memory.shape[1]))
    for b, h in np.ndindex(batch, heads):
        powers = []
        for row in memory[b]:
            dot = sum(float(x) * float(y) for x, y in zip(key[b, h], row, strict=True))
            powers.append(math.exp(strength[b, h] * dot / (length(key[b, h]) * length(row))))
        weights[b, h] = np.array(powers) / sum(powers)
    return weights


def least_used(usage: Array, count: int) -> list[list[int]]:
    """Equation 6: the places of the smallest numbers of each row, the first of equal ones first."""
    return [sorted(range(len(row)), key=lambda i: (row[i], i))[:count] for row in usage]


def step(
    memory: Array, last_read: Array, usage: Array, key: Array, strength: Array, gate: Array, add: Array, decay: float
) -> tuple[Array, Array, Array, Array]:
    """Memory, read weights, usage and reads after a step."""
    batch, heads, slots = last_read.shape
    after, used = memory.copy(), usage * decay
    for b, least in enumerate(least_used(usage, heads)):
        for slot in least:
            after[b, slot] = 0
        for h, i in np.ndindex(heads, slots):
            # Equation 7: sigmoid(alpha) w^r_{t-1} + (1 - sigmoid(alpha)) w^lu_{t-1}.
            write = gate[b, h] * last_read[b, h, i] + (1 - gate[b, h]) * (1.0 if least[h] == i else 0.0)
            after[b, i] += write * add[b, h]
            used[b, i] += write
    read = read_weights(after, key, strength)
    reads = np.zeros((batch, heads, memory.shape[2]))
    for b, h, i in np.ndindex(batch, heads, slots):
        reads[b, h] += read[b, h, i] * after[b, i]
        used[b, i] += read[b, h, i]
    return after, read, used, reads
