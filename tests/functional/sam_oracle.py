"""A Sparse Access Memory as NumPy loops over single numbers, in float64: all slots, and a ring that is a list.

Written from Rae et al. (2016), arXiv 1610.09027, sections 3.1 and 3.2, with the choices that `sam_step` names; shares
nothing with the code under test. With links, matrices of all slots. No batch: one sequence.
"""

import math

import numpy as np
from numpy.typing import NDArray

from tests.functional import dnc_oracle

Array = NDArray[np.float64]


def cosine(key: Array, row: Array) -> float:
    """cos(q, M(i)); 0 where either is empty."""
    lengths = math.sqrt(sum(float(x) ** 2 for x in key)) * math.sqrt(sum(float(x) ** 2 for x in row))
    return sum(float(x) * float(y) for x, y in zip(key, row, strict=True)) / lengths if lengths > 1e-24 else 0.0


def nearest(cosines: list[float], count: int) -> list[int]:
    """The slots of the largest cosines, in steps of 2^-16; of equal ones the first."""
    return sorted(range(len(cosines)), key=lambda i: (-math.floor(cosines[i] * 65536 + 0.5), i))[:count]


def largest(weights: Array, count: int) -> Array:
    """The `count` largest, in steps of 2^-16, of equal ones the first; 0 for others and for less than half a step."""
    chosen = [i for i in nearest([float(x) for x in weights], count) if weights[i] >= 0.5 / 65536]
    return np.array([weight if i in chosen else 0.0 for i, weight in enumerate(weights)])


def largest_both_ways(links: Array, count: int) -> Array:
    """The largest of each row, and of these the largest of each column."""
    rows = np.stack([largest(row, count) for row in links])
    return np.stack([largest(column, count) for column in rows.T]).T


class Machine:
    """Memory (slots, width), the read weights of the last step (heads, slots), and the ring of slots.

    links: how many of a slot are kept; then `linked` (heads, slots, slots) and `last` (heads, slots).
    """

    def __init__(self, memory: Array, read: Array, ring: list[int], count: int, links: int = 0) -> None:
        self.memory, self.read, self.ring, self.count = memory.copy(), read.copy(), list(ring), count
        self.links, self.last = links, np.zeros_like(read)
        self.linked = np.zeros((*read.shape, read.shape[1]))

    def step(
        self, key: Array, strength: Array, write_gate: Array, gate: Array, add: Array, modes: Array | None = None
    ) -> Array:
        """One step; gives the reads (heads, width)."""
        heads, slots = self.read.shape
        least = self.ring[:heads]
        written = np.zeros((heads, slots))
        for h, i in np.ndindex(heads, slots):
            written[h, i] = write_gate[h] * (gate[h] * self.read[h, i] + (1 - gate[h]) * float(least[h] == i))
        for slot in least:
            self.memory[slot] = 0
        for h, i in np.ndindex(heads, slots):
            self.memory[i] += written[h, i] * add[h]
        before, self.read = self.read, np.zeros((heads, slots))
        reads = np.zeros((heads, self.memory.shape[1]))
        for h in range(heads):
            cosines = [cosine(key[h], row) for row in self.memory]
            chosen = nearest(cosines, self.count)
            powers = [math.exp(strength[h] * cosines[i]) for i in chosen]
            for i, power in zip(chosen, powers, strict=True):
                self.read[h, i] = power / sum(powers)
            if modes is not None:
                self.link(h, written[h])
                backward, forward = dnc_oracle.follow(self.linked[h], before[h : h + 1])
                focus = modes[h, 0] * backward[0] + modes[h, 1] * self.read[h] + modes[h, 2] * forward[0]
                kept = nearest([float(x) for x in focus], self.count)
                self.read[h] = [focus[i] if i in kept else 0.0 for i in range(slots)]
            for i in range(slots):
                reads[h] += self.read[h, i] * self.memory[i]
        for i in range(slots):
            if sum(self.read[h, i] + written[h, i] for h in range(heads)) > 0.005:
                self.ring.remove(i)
                self.ring.append(i)
        return reads

    def link(self, h: int, written: Array) -> None:
        """A head's links and precedence after its write."""
        linked = dnc_oracle.link(self.linked[h], self.last[h], written)
        self.linked[h] = largest_both_ways(linked, self.links)
        self.last[h] = largest(dnc_oracle.precedence(self.last[h], written), self.links)
