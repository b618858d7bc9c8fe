"""One step of the heads of one sequence, both ways: what the engine calls. See `engine.access`."""

import triton
import triton.language as tl

from neuraltape.kernels.triton.dnc.allocation import (
    allocation,
    free_backward,
    raised,
    retention,
    summed_behind,
    taken_before,
)
from neuraltape.kernels.triton.dnc.content import look_up, look_up_backward
from neuraltape.kernels.triton.dnc.memory import normalise, normalise_backward, write, write_focus
from neuraltape.kernels.triton.lib.content import inverse_norms
from neuraltape.kernels.triton.lib.formulas import sigmoid
from neuraltape.kernels.triton.lib.tiles import load_focus, load_memory, load_vector, store_focus, store_vector


@triton.jit
def step(memory, raw, before, now, reads, z: tl.constexpr):
    """Free, allocate, write, read."""
    if z.normed:
        normalise(raw, now, z)
    usage, last = load_focus(before + z.usage, 0, z), load_focus(before + z.written, 0, z)
    usage = (usage + last - usage * last) * retention(raw, before, -1, z)
    store_focus(now + z.usage, 0, usage, z)
    tl.debug_barrier()
    # As it was stored: what is compared with the others' is then one of them, to the bit.
    usage = load_focus(now + z.usage, 0, z)
    taken = taken_before(usage, now + z.usage, z)
    store_focus(now + z.taken, 0, taken, z)
    content = look_up(memory, inverse_norms(memory, z), raw, z.readers, z)
    store_focus(now + z.written, 0, write_focus(content, usage, taken, raw, z), z)
    tl.debug_barrier()
    memory = write(memory, raw, before, now, z)
    inverse = inverse_norms(memory, z)
    for head in range(z.readers):
        weights = look_up(memory, inverse, raw, head, z)
        store_focus(now, head, weights, z)
        store_vector(reads, head, tl.sum(memory * weights[:, None], 0), z)
    return memory


@triton.jit
def replay(memory, raw, before, now, z: tl.constexpr):
    """The write once more."""
    return write(memory, raw, before, now, z)


@triton.jit
def back(old, raw, before, now, dmemory, dnow, dreads, dgiven, draw, dbefore, room, z: tl.constexpr):
    """Backward of `step`. room: for a number a slot. What the write head did before changes the usage only."""
    # Reading.
    new = write(load_memory(old, z), raw, before, now, z)
    inverse = inverse_norms(new, z)
    for head in range(z.readers):
        dread = load_vector(dreads, head, z) + load_vector(dgiven, head, z)
        weights = load_focus(now, head, z)
        dweights = load_focus(dnow, head, z) + tl.sum(new * dread[None, :], 1)
        dmemory += weights[:, None] * dread[None, :]
        dmemory = look_up_backward(new, inverse, raw, head, weights, dweights, dmemory, draw, z)
    # Writing.
    old = load_memory(old, z)
    kept = retention(raw, before, -1, z)
    weights, erase = load_focus(now + z.written, 0, z), sigmoid(load_vector(raw + z.erase, 0, z))
    store_vector(draw + z.add, 0, tl.sum(dmemory * weights[:, None], 0), z)
    left = old
    if z.wipe:
        left = old * kept[:, None]
    derase = -tl.sum(dmemory * left * weights[:, None], 0)
    store_vector(draw + z.erase, 0, derase * erase * (1.0 - erase), z)
    add = load_vector(raw + z.add, 0, z)
    dweights = load_focus(dnow + z.written, 0, z) + tl.sum(dmemory * (add[None, :] - left * erase[None, :]), 1)
    dmemory *= 1.0 - weights[:, None] * erase[None, :]
    dkept = tl.zeros_like(kept)
    if z.wipe:
        dkept = tl.sum(dmemory * old, 1)
        dmemory *= kept[:, None]
    # Where to write.
    inverse = inverse_norms(old, z)
    content = look_up(old, inverse, raw, z.readers, z)
    usage, taken = load_focus(now + z.usage, 0, z), load_focus(now + z.taken, 0, z)
    offered = allocation(usage, taken, z)
    allocation_gate, write_gate = sigmoid(tl.load(raw + z.allocation_gate)), sigmoid(tl.load(raw + z.write_gate))
    of_offered, of_content = tl.sum(dweights * offered, 0), tl.sum(dweights * content, 0)
    dallocation_gate = write_gate * (of_offered - of_content) * allocation_gate * (1.0 - allocation_gate)
    tl.store(draw + z.allocation_gate, dallocation_gate)
    dwrite_gate = allocation_gate * of_offered + (1.0 - allocation_gate) * of_content
    tl.store(draw + z.write_gate, dwrite_gate * write_gate * (1.0 - write_gate))
    dcontent = write_gate * (1.0 - allocation_gate) * dweights
    dmemory = look_up_backward(old, inverse, raw, z.readers, content, dcontent, dmemory, draw, z)
    # What is free: a slot's usage is a factor of what is offered of all slots behind it.
    doffered = write_gate * allocation_gate * dweights
    store_focus(room, 0, doffered * offered, z)
    tl.debug_barrier()
    dusage = summed_behind(usage, now + z.usage, room, z) / raised(usage, z) - taken * doffered
    dusage = (1.0 - z.least_usage) * dusage + load_focus(dnow + z.usage, 0, z)
    last_usage, last = load_focus(before + z.usage, 0, z), load_focus(before + z.written, 0, z)
    store_focus(dbefore + z.usage, 0, dusage * kept * (1.0 - last), z)
    store_focus(dbefore + z.written, 0, tl.zeros_like(dusage), z)
    dkept += dusage * (last_usage + last - last_usage * last)
    free_backward(raw, before, dkept, draw, dbefore, z)
    if z.normed:
        tl.debug_barrier()
        normalise_backward(raw, now, draw, z)
    return dmemory
