"""One step of the heads of one sequence, both ways: what the engine calls. See `engine.access`."""

import triton
import triton.language as tl

from neuraltape.kernels.triton.lib.content import similarity, similarity_backward, softmax_backward
from neuraltape.kernels.triton.lib.formulas import sigmoid, softmax, softplus, tanh
from neuraltape.kernels.triton.lib.tiles import load_focus, load_memory, load_vector, store_focus, store_vector
from neuraltape.kernels.triton.lrua.memory import find_least, load_add, was_given, without_given, write_weights


@triton.jit
def inverse_length(squared, z: tl.constexpr):
    """1 / length of what has this squared length, rounded up as in `functional`."""
    return 1.0 / tl.sqrt(squared + z.empty_square)


@triton.jit
def step(memory, raw, before, now, reads, z: tl.constexpr):
    """Clear the least-used slots and write; read by content; count the use."""
    n = tl.arange(0, z.padded_slots)
    usage = load_focus(before + z.usage, 0, z)
    given = find_least(usage, z)
    usage *= z.decay
    memory = tl.where(given[:, None] < 0, memory, 0.0)
    for head in range(z.heads):
        tl.store(now + z.least + head, tl.sum(tl.where(given == head, n, 0), 0).to(memory.dtype))
        weights = write_weights(raw, before, head, tl.where(given == head, 1.0, 0.0), z)
        memory += weights[:, None] * load_add(raw, head, z)[None, :]
        usage += weights
    inverse = inverse_length(tl.sum(memory * memory, 1), z)
    for head in range(z.heads):
        key = tanh(load_vector(raw, head, z))
        match = similarity(memory, inverse, key, inverse_length(tl.sum(key * key, 0), z))
        weights = softmax(softplus(tl.load(raw + z.strength + head)) * match, n < z.slots)
        store_focus(now, head, weights, z)
        store_vector(reads, head, tl.sum(memory * weights[:, None], 0), z)
        usage += weights
    store_focus(now + z.usage, 0, usage, z)
    return memory


@triton.jit
def replay(memory, raw, before, now, z: tl.constexpr):
    """The writes once more."""
    memory = without_given(memory, now, z)
    for head in range(z.heads):
        weights = write_weights(raw, before, head, was_given(now, head, z), z)
        memory += weights[:, None] * load_add(raw, head, z)[None, :]
    return memory


@triton.jit
def back(old, raw, before, now, dmemory, dnow, dreads, dgiven, draw, dbefore, room, z: tl.constexpr):
    """Backward of `step`. The usage, which orders the slots, has no gradient."""
    new = replay(load_memory(old, z), raw, before, now, z)
    # Reading, then what was looked for: one loop for both would have more registers in use than there are.
    for head in range(z.heads):
        dread = load_vector(dreads, head, z) + load_vector(dgiven, head, z)
        weights = load_focus(now, head, z)
        dweights = load_focus(dnow, head, z) + tl.sum(new * dread[None, :], 1)
        dmemory += weights[:, None] * dread[None, :]
        store_focus(room, head, softmax_backward(weights, dweights), z)
    tl.debug_barrier()
    inverse = inverse_length(tl.sum(new * new, 1), z)
    shrink = tl.zeros_like(inverse)
    for head in range(z.heads):
        key = tanh(load_vector(raw, head, z))
        inverse_key = inverse_length(tl.sum(key * key, 0), z)
        match = similarity(new, inverse, key, inverse_key)
        strength, dmatch = tl.load(raw + z.strength + head), load_focus(room, head, z)
        # The slope of softplus is the sigmoid.
        tl.store(draw + z.strength + head, tl.sum(dmatch * match, 0) * sigmoid(strength))
        dmatch *= softplus(strength)
        dkey, across, smaller = similarity_backward(new, inverse, key, inverse_key, match, dmatch)
        dmemory += across[:, None] * key[None, :]
        shrink += smaller
        store_vector(draw, head, dkey * (1.0 - key * key), z)
    dmemory -= new * shrink[:, None]
    for head in range(z.heads):
        fresh, add = was_given(now, head, z), load_add(raw, head, z)
        weights = write_weights(raw, before, head, fresh, z)
        store_vector(draw + z.add, head, tl.sum(dmemory * weights[:, None], 0) * (1.0 - add * add), z)
        dweights = tl.sum(dmemory * add[None, :], 1)
        gate = sigmoid(tl.load(raw + z.gate + head))
        dgate = tl.sum(dweights * (load_focus(before, head, z) - fresh), 0)
        tl.store(draw + z.gate + head, dgate * gate * (1.0 - gate))
        store_focus(dbefore, head, gate * dweights, z)
    return without_given(dmemory, now, z)
