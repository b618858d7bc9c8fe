"""Which slots are free, forward and backward: retention and allocation. Equations: the cpu kernels' README.

The slots need not be put in order: what is taken of all that come before one is a product over those that are used
less, and of those that are used alike over the ones with lower numbers.
"""

import triton
import triton.language as tl

from neuraltape.kernels.triton.lib.formulas import sigmoid
from neuraltape.kernels.triton.lib.tiles import load_focus, store_focus


@triton.jit
def multiply(a, b):
    """A product, for a reduction."""
    return a * b


@triton.jit
def retention(raw, before, besides, z: tl.constexpr):
    """What stays of each slot after what all heads but `besides` freed; -1: all."""
    kept = tl.full((z.padded_slots,), 1.0, raw.dtype.element_ty)
    for head in range(z.readers):
        freed = sigmoid(tl.load(raw + z.free + head)) * load_focus(before, head, z)
        kept *= tl.where(head == besides, 1.0, 1.0 - freed)
    return kept


@triton.jit
def raised(usage, z: tl.constexpr):
    """The usage as `allocation` takes it, which is never 0."""
    return z.least_usage + (1.0 - z.least_usage) * usage


@triton.jit
def taken_before(usage, at, z: tl.constexpr):
    """The product of the usages of all slots that come before each. usage: as numbers; at: where the same ones lie."""
    n = tl.arange(0, z.padded_slots)[:, None]
    usage = usage[:, None]
    taken = tl.full((z.padded_slots, z.compared), 1.0, usage.dtype)
    for m0 in range(0, z.slots, z.compared):
        m = m0 + tl.arange(0, z.compared)
        other = tl.load(at + m, mask=m < z.slots, other=float("inf"))[None, :]
        m = m[None, :]
        taken *= tl.where((other < usage) | ((other == usage) & (m < n)), raised(other, z), 1.0)
    return tl.reduce(taken, 1, multiply)


@triton.jit
def summed_behind(usage, at, values, z: tl.constexpr):
    """The sum of the values of all slots that come behind each. at, values: where the usage and they lie."""
    n = tl.arange(0, z.padded_slots)[:, None]
    usage = usage[:, None]
    summed = tl.zeros((z.padded_slots, z.compared), usage.dtype)
    for m0 in range(0, z.slots, z.compared):
        m = m0 + tl.arange(0, z.compared)
        other = tl.load(at + m, mask=m < z.slots, other=0.0)[None, :]
        value = tl.load(values + m, mask=m < z.slots, other=0.0)[None, :]
        m = m[None, :]
        summed += tl.where((usage < other) | ((usage == other) & (n < m)), value, 0.0)
    return tl.sum(summed, 1)


@triton.jit
def allocation(usage, taken, z: tl.constexpr):
    """Where a free slot is. taken: what `taken_before` gave."""
    return tl.where(tl.arange(0, z.padded_slots) < z.slots, (1.0 - raised(usage, z)) * taken, 0.0)


@triton.jit
def free_backward(raw, before, dkept, draw, dbefore, z: tl.constexpr):
    """Backward of `retention`: sets the gradients of the free gates and of the read weights before."""
    for head in range(z.readers):
        gate, weights = sigmoid(tl.load(raw + z.free + head)), load_focus(before, head, z)
        dfreed = -dkept * retention(raw, before, head, z)
        tl.store(draw + z.free + head, tl.sum(dfreed * weights, 0) * gate * (1.0 - gate))
        store_focus(dbefore, head, dfreed * gate, z)
