"""What LRUA does with the memory of one sequence: slots that are least used, writing over them."""

import triton
import triton.language as tl

from neuraltape.kernels.triton.lib.formulas import sigmoid, tanh
from neuraltape.kernels.triton.lib.tiles import load_focus, load_vector


@triton.jit
def find_least(usage, z: tl.constexpr):
    """For each slot the head that is given it, -1 for the others: the h-th least used one is the h-th head's.

    Of slots that are used alike the one with the lower number comes first.
    """
    n = tl.arange(0, z.padded_slots)
    usage = tl.where(n < z.slots, usage, float("inf"))
    given = tl.full((z.padded_slots,), -1, tl.int32)
    for head in range(z.heads):
        smallest = tl.min(tl.where(given < 0, usage, float("inf")), 0)
        first = tl.min(tl.where((given < 0) & (usage == smallest), n, z.padded_slots), 0)
        given = tl.where(n == first, head, given)
    return given


@triton.jit
def load_add(raw, head, z: tl.constexpr):
    """What a head stores."""
    return tanh(load_vector(raw + z.add, head, z))


@triton.jit
def write_weights(raw, before, head, fresh, z: tl.constexpr):
    """Where a head writes: where it last read, by its gate, and else into the slot that is fresh."""
    gate = sigmoid(tl.load(raw + z.gate + head))
    return gate * load_focus(before, head, z) + (1.0 - gate) * fresh


@triton.jit
def was_given(now, head, z: tl.constexpr):
    """1 for the slot that a head was given, by a step's notes; 0 for the others."""
    return tl.where(tl.arange(0, z.padded_slots) == tl.load(now + z.least + head).to(tl.int32), 1.0, 0.0)


@triton.jit
def without_given(memory, now, z: tl.constexpr):
    """A memory, or its gradient, with 0 in the slots that the heads were given, by a step's notes."""
    given = tl.zeros((z.padded_slots,), tl.int32)
    for head in range(z.heads):
        given = tl.where(was_given(now, head, z) > 0, 1, given)
    return tl.where(given[:, None] > 0, 0.0, memory)
