"""How one head of one sequence finds its focus, both ways. The equations stand in the cpu kernels' README."""

import triton
import triton.language as tl

from neuraltape.kernels.triton.lib.content import similarity, similarity_backward, softmax_backward
from neuraltape.kernels.triton.lib.formulas import inverse_norm, sigmoid, softmax, softplus, tanh
from neuraltape.kernels.triton.lib.tiles import load_focus, load_vector, store_focus, store_vector


@triton.jit
def rolled(x, offset: tl.constexpr, z: tl.constexpr):
    """A vector over the slots moved around their ring: out[n] = x[n - offset]. offset: 0 to slots - 1."""
    n = tl.arange(0, z.padded_slots)
    source = tl.where(n < offset, n - offset + z.slots, n - offset)
    return tl.gather(x, tl.where(n < z.slots, source, n), 0)


@triton.jit
def address(memory, inverse, raw, head, before, z: tl.constexpr):
    """Content, interpolation, shift and sharpening (the paper's equations 5 to 9).

    Args:
        memory: (padded slots, padded width), zeros where it was filled up; inverse: `inverse_norms` of it.
        raw: where the raw parameters of all heads lie; head: which one it is.
        before: where the last focus of all heads lies.

    Returns:
        The focus, and all stages before it, for the way back.
    """
    n = tl.arange(0, z.padded_slots)
    k = tl.arange(0, z.padded_moves)
    key = tanh(load_vector(raw, head, z))
    inverse_key = inverse_norm(tl.sum(key * key, 0), z.smallest_norm)
    match = similarity(memory, inverse, key, inverse_key)
    strength = softplus(tl.load(raw + z.strength + head))
    content = softmax(strength * match, n < z.slots)
    gate = sigmoid(tl.load(raw + z.gate + head))
    last = load_focus(before, head, z)
    gated = gate * content + (1.0 - gate) * last
    moves = softmax(tl.load(raw + z.shift + head * z.moves + k, mask=k < z.moves, other=0.0), k < z.moves)
    shifted = tl.zeros_like(gated)
    for i in tl.static_range(z.moves):
        shifted += tl.sum(tl.where(k == i, moves, 0.0), 0) * rolled(gated, z.offsets[i], z)
    sharpness = 1.0 + softplus(tl.load(raw + z.sharpness + head))
    empty = shifted < z.tiny
    logarithm = tl.log(tl.where(empty, z.tiny, shifted) / tl.max(shifted, 0))
    weights = softmax(logarithm * sharpness, (n < z.slots) & (empty == 0))
    return weights, key, inverse_key, match, strength, content, gate, last, gated, moves, shifted, sharpness, logarithm


@triton.jit
def address_backward(memory, inverse, raw, head, before, dweights, dmemory, draw, dbefore, z: tl.constexpr):
    """Backward of `address`: what `draw` and `dbefore` point to is set, and the memory's gradient comes back."""
    k = tl.arange(0, z.padded_moves)
    weights, key, inverse_key, match, strength, content, gate, last, gated, moves, shifted, sharpness, logarithm = (
        address(memory, inverse, raw, head, before, z)
    )
    # Sharpen.
    dpower = softmax_backward(weights, dweights)
    dsharpness = tl.sum(dpower * logarithm, 0)
    empty = shifted < z.tiny
    dshifted = tl.where(empty, 0.0, sharpness * dpower / tl.where(empty, 1.0, shifted))
    # Shift.
    dgated = tl.zeros_like(gated)
    dmoves = tl.zeros_like(moves)
    for i in tl.static_range(z.moves):
        dmoves = tl.where(k == i, tl.sum(dshifted * rolled(gated, z.offsets[i], z), 0), dmoves)
        dgated += tl.sum(tl.where(k == i, moves, 0.0), 0) * rolled(dshifted, z.offsets_back[i], z)
    # Interpolate.
    dgate = tl.sum(dgated * (content - last), 0)
    store_focus(dbefore, head, (1.0 - gate) * dgated, z)
    # Content.
    dscore = softmax_backward(content, gate * dgated)
    dstrength = tl.sum(dscore * match, 0)
    dkey, across, shrink = similarity_backward(memory, inverse, key, inverse_key, match, strength * dscore)
    dmemory += across[:, None] * key[None, :] - memory * shrink[:, None]
    # Activations: the slope of softplus is the sigmoid.
    store_vector(draw, head, dkey * (1.0 - key * key), z)
    tl.store(draw + z.strength + head, dstrength * sigmoid(tl.load(raw + z.strength + head)))
    tl.store(draw + z.gate + head, dgate * gate * (1.0 - gate))
    tl.store(draw + z.shift + head * z.moves + k, softmax_backward(moves, dmoves), mask=k < z.moves)
    tl.store(draw + z.sharpness + head, dsharpness * sigmoid(tl.load(raw + z.sharpness + head)))
    return dmemory
