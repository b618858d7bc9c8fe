"""The paper's equations as NumPy loops over single numbers, in float64: what `neuraltape.functional` is tested against.

Written from Graves, Wayne and Danihelka (2014), arXiv 1410.5401; shares nothing with the code under test. Arrays are
named and shaped as there: memory (batch, slots, width), weights (batch, heads, slots), and so on.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def read(memory: Array, weights: Array) -> Array:
    """Equation 2: r = sum_i w(i) M(i)."""
    batch, heads, slots = weights.shape
    reads = np.zeros((batch, heads, memory.shape[2]))
    for b, h, i in np.ndindex(batch, heads, slots):
        for j in range(memory.shape[2]):
            reads[b, h, j] += weights[b, h, i] * memory[b, i, j]
    return reads


def write(memory: Array, weights: Array, erase: Array, add: Array) -> Array:
    """Equations 3 and 4: every head's M(i) * (1 - w(i) e), and only then every head's + w(i) a."""
    batch, slots, width = memory.shape
    heads = range(weights.shape[1])
    after = np.zeros_like(memory)
    for b, i, j in np.ndindex(batch, slots, width):
        value = memory[b, i, j]
        for h in heads:
            value *= 1 - weights[b, h, i] * erase[b, h, j]
        for h in heads:
            value += weights[b, h, i] * add[b, h, j]
        after[b, i, j] = value
    return after


def cosine(u: Array, v: Array) -> float:
    """Equation 6: u.v / (|u| |v|); 0 where a vector is zero, which the paper leaves open."""
    dot = sum(float(x) * float(y) for x, y in zip(u, v, strict=True))
    lengths = math.sqrt(sum(float(x) ** 2 for x in u)) * math.sqrt(sum(float(y) ** 2 for y in v))
    return dot / lengths if lengths > 0 else 0.0


def content_weights(memory: Array, key: Array, strength: Array) -> Array:
    """Equation 5: exp(beta K(k, M(i))) / sum_j exp(beta K(k, M(j)))."""
    batch, heads, _ = key.shape
    slots = memory.shape[1]
    weights = np.zeros((batch, heads, slots))
    for b, h in np.ndindex(batch, heads):
        exponents = [strength[b, h] * cosine(key[b, h], memory[b, i]) for i in range(slots)]
        # The same factor above and below: keeps exp in range.
        terms = [math.exp(exponent - max(exponents)) for exponent in exponents]
        for i in range(slots):
            weights[b, h, i] = terms[i] / sum(terms)
    return weights


def interpolate(content: Array, previous: Array, gate: Array) -> Array:
    """Equation 7: g w^c + (1 - g) w_{t-1}."""
    weights = np.zeros_like(content)
    for b, h, i in np.ndindex(*content.shape):
        weights[b, h, i] = gate[b, h] * content[b, h, i] + (1 - gate[b, h]) * previous[b, h, i]
    return weights


def shift(weights: Array, shift: Array, offsets: tuple[int, ...]) -> Array:
    """Equation 8: what stands at slot i moves on to slot i + offset, around the ring."""
    slots = weights.shape[2]
    moved = np.zeros_like(weights)
    for b, h, i in np.ndindex(*weights.shape):
        for k, offset in enumerate(offsets):
            moved[b, h, (i + offset) % slots] += weights[b, h, i] * shift[b, h, k]
    return moved


def sharpen(weights: Array, sharpness: Array) -> Array:
    """Equation 9: w(i)^gamma / sum_j w(j)^gamma."""
    sharp = np.zeros_like(weights)
    for b, h in np.ndindex(*sharpness.shape):
        powers = [float(weight) ** float(sharpness[b, h]) for weight in weights[b, h]]
        for i, power in enumerate(powers):
            sharp[b, h, i] = power / sum(powers)
    return sharp


def address(
    memory: Array,
    previous: Array,
    key: Array,
    strength: Array,
    gate: Array,
    move: Array,
    sharpness: Array,
    offsets: tuple[int, ...],
) -> tuple[Array, Array, Array, Array]:
    """Figure 2: the weightings after content match, interpolation, shift and sharpening."""
    content = content_weights(memory, key, strength)
    gated = interpolate(content, previous, gate)
    shifted = shift(gated, move, offsets)
    return content, gated, shifted, sharpen(shifted, sharpness)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


class Head(NamedTuple):
    """One head's parameters for one sequence of the batch."""

    key: list[float]
    strength: float
    gate: float
    shift: list[float]
    sharpness: float


def head_parameters(raw: Array, head: int, heads: int, width: int, offsets: int) -> Head:
    """One head's numbers out of one row of the raw interface, brought into their ranges."""
    strengths = heads * width
    gates = strengths + heads
    shifts = gates + heads
    sharpnesses = shifts + heads * offsets
    moves = [math.exp(raw[shifts + head * offsets + k]) for k in range(offsets)]
    return Head(
        key=[math.tanh(raw[head * width + j]) for j in range(width)],
        strength=softplus(raw[strengths + head]),
        gate=sigmoid(raw[gates + head]),
        shift=[move / sum(moves) for move in moves],
        sharpness=1 + softplus(raw[sharpnesses + head]),
    )


def written_vectors(raw: Array, write_heads: int, width: int) -> tuple[Array, Array]:
    """All erase and add vectors, (write heads, width) each: the last numbers of one row of the raw interface."""
    erase, add = np.zeros((write_heads, width)), np.zeros((write_heads, width))
    first = len(raw) - 2 * write_heads * width
    for h, j in np.ndindex(write_heads, width):
        erase[h, j] = sigmoid(raw[first + h * width + j])
        add[h, j] = math.tanh(raw[first + (write_heads + h) * width + j])
    return erase, add


def step(
    raw: Array,
    memory: Array,
    read_weights: Array,
    write_weights: Array,
    offsets: tuple[int, ...],
) -> tuple[Array, Array, Array, Array]:
    """Section 3 of the paper: the write heads address M_{t-1} and write; the read heads address M_t and read.

    Returns M_t, the read weights, the write weights and the reads.
    """
    reading, writing = read_weights.shape[1], write_weights.shape[1]
    batch, _, width = memory.shape

    def addressed(b: int, h: int, memory: Array, previous: Array) -> Array:
        head = head_parameters(raw[b], h, reading + writing, width, len(offsets))
        row = [np.array(part)[None, None] for part in head]
        return address(memory[b][None], previous[None, None], *row, offsets)[-1][0, 0]

    after = np.zeros_like(memory)
    new_read_weights, new_write_weights = np.zeros_like(read_weights), np.zeros_like(write_weights)
    for b in range(batch):
        for h in range(writing):
            new_write_weights[b, h] = addressed(b, reading + h, memory, write_weights[b, h])
        erase, add = written_vectors(raw[b], writing, width)
        after[b] = write(memory[b][None], new_write_weights[b][None], erase[None], add[None])[0]
        for h in range(reading):
            new_read_weights[b, h] = addressed(b, h, after, read_weights[b, h])
    return after, new_read_weights, new_write_weights, read(after, new_read_weights)
