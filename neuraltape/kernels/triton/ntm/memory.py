"""Writing to the memory of one sequence, forward and backward (the paper's equations 3 and 4)."""

import triton
import triton.language as tl

from neuraltape.kernels.triton.lib.formulas import sigmoid, tanh
from neuraltape.kernels.triton.lib.tiles import load_focus, load_vector, store_vector


@triton.jit
def load_erase(raw, writer, z: tl.constexpr):
    """What a write head erases."""
    return sigmoid(load_vector(raw + z.erase, writer, z))


@triton.jit
def load_add(raw, writer, z: tl.constexpr):
    """What a write head adds."""
    return tanh(load_vector(raw + z.add, writer, z))


@triton.jit
def erased(memory, raw, focus, besides, z: tl.constexpr):
    """The memory, or its gradient, times 1 - w e of every write head but `besides`; -1: of every one."""
    for writer in range(z.writers):
        keep = 1.0 - load_focus(focus, z.readers + writer, z)[:, None] * load_erase(raw, writer, z)[None, :]
        if z.writers == 1:
            memory *= keep
        else:
            memory *= tl.where(writer == besides, 1.0, keep)
    return memory


@triton.jit
def write(memory, raw, focus, z: tl.constexpr):
    """All erases multiply, then all adds sum."""
    memory = erased(memory, raw, focus, -1, z)
    for writer in range(z.writers):
        memory += load_focus(focus, z.readers + writer, z)[:, None] * load_add(raw, writer, z)[None, :]
    return memory


@triton.jit
def write_backward(old, dmemory, raw, focus, writer, draw, z: tl.constexpr):
    """Of one write head: sets the gradients of its erase and add, and returns that of its weights.

    Args:
        old: the memory before the step; dmemory: the gradient of that after it.
    """
    weights, add, erase = load_focus(focus, z.readers + writer, z), load_add(raw, writer, z), load_erase(raw, writer, z)
    # What the other heads left of the old memory. No factor is divided by: it may be 0.
    left = old
    if z.writers > 1:
        left = erased(old, raw, focus, writer, z)
    dadd = tl.sum(dmemory * weights[:, None], 0)
    derase = -tl.sum(dmemory * left * weights[:, None], 0)
    store_vector(draw + z.erase, writer, derase * erase * (1.0 - erase), z)
    store_vector(draw + z.add, writer, dadd * (1.0 - add * add), z)
    return tl.sum(dmemory * (add[None, :] - left * erase[None, :]), 1)
