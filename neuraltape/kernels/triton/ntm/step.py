"""One step of the heads of one sequence, both ways: what the engine calls. See `engine.access`."""

import triton
import triton.language as tl

from neuraltape.kernels.triton.lib.content import inverse_norms
from neuraltape.kernels.triton.lib.tiles import load_focus, load_memory, load_vector, store_focus, store_vector
from neuraltape.kernels.triton.ntm.heads import address, address_backward
from neuraltape.kernels.triton.ntm.memory import erased, write, write_backward


@triton.jit
def step(memory, raw, before, now, reads, z: tl.constexpr):
    """Write, then read."""
    inverse = inverse_norms(memory, z)
    for head in range(z.readers, z.heads):
        store_focus(now, head, address(memory, inverse, raw, head, before, z)[0], z)
    tl.debug_barrier()
    memory = write(memory, raw, now, z)
    inverse = inverse_norms(memory, z)
    for head in range(z.readers):
        weights = address(memory, inverse, raw, head, before, z)[0]
        store_focus(now, head, weights, z)
        store_vector(reads, head, tl.sum(memory * weights[:, None], 0), z)
    return memory


@triton.jit
def replay(memory, raw, before, now, z: tl.constexpr):
    """The writes once more."""
    return write(memory, raw, now, z)


@triton.jit
def back(old, raw, before, now, dmemory, dnow, dreads, dgiven, draw, dbefore, room, z: tl.constexpr):
    """Backward of `step`. room: for the gradients of the write heads' weights."""
    old = load_memory(old, z)
    # Reading.
    new = write(old, raw, now, z)
    inverse = inverse_norms(new, z)
    for head in range(z.readers):
        dread = load_vector(dreads, head, z) + load_vector(dgiven, head, z)
        dweights = load_focus(dnow, head, z) + tl.sum(new * dread[None, :], 1)
        dmemory += load_focus(now, head, z)[:, None] * dread[None, :]
        dmemory = address_backward(new, inverse, raw, head, before, dweights, dmemory, draw, dbefore, z)
    # Writing: first what all heads need of the gradient of the memory after the step, then that of the one before.
    for writer in range(z.writers):
        store_focus(room, writer, write_backward(old, dmemory, raw, now, writer, draw, z), z)
    tl.debug_barrier()
    dmemory = erased(dmemory, raw, now, -1, z)
    inverse = inverse_norms(old, z)
    for writer in range(z.writers):
        head = z.readers + writer
        dweights = load_focus(dnow, head, z) + load_focus(room, writer, z)
        dmemory = address_backward(old, inverse, raw, head, before, dweights, dmemory, draw, dbefore, z)
    return dmemory
