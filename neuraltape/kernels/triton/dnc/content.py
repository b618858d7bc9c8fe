"""What a head looks for, both ways: a key, with or without a mask, and how strongly."""

import triton
import triton.language as tl

from neuraltape.kernels.triton.lib.content import similarity, similarity_backward, softmax_backward
from neuraltape.kernels.triton.lib.formulas import inverse_norm, sigmoid, softmax, softplus
from neuraltape.kernels.triton.lib.tiles import load_vector, store_vector


@triton.jit
def load_mask(raw, head, z: tl.constexpr):
    """Which numbers of key and memory count for a head."""
    return z.mask_floor + (1.0 - z.mask_floor) * sigmoid(load_vector(raw + z.mask, head, z))


@triton.jit
def compared(memory, inverse, raw, head, z: tl.constexpr):
    """How much each slot resembles a head's key.

    Args:
        inverse: 1 / lengths of the memory's rows, for keys without a mask.

    Returns:
        The similarity; 1 / lengths of the rows and of the key, as the head sees them; the key.
    """
    key = load_vector(raw, head, z)
    if z.masked:
        square = load_mask(raw, head, z)
        square *= square
        inverse = inverse_norm(tl.sum(memory * memory * square[None, :], 1), z.smallest_norm)
        inverse_key = inverse_norm(tl.sum(key * key * square, 0), z.smallest_norm)
        match = similarity(memory, inverse, key * square, inverse_key)
    else:
        inverse_key = inverse_norm(tl.sum(key * key, 0), z.smallest_norm)
        match = similarity(memory, inverse, key, inverse_key)
    return match, inverse, inverse_key, key


@triton.jit
def look_up(memory, inverse, raw, head, z: tl.constexpr):
    """A head's focus by content."""
    strength = 1.0 + softplus(tl.load(raw + z.strength + head))
    return softmax(strength * compared(memory, inverse, raw, head, z)[0], tl.arange(0, z.padded_slots) < z.slots)


@triton.jit
def look_up_backward(memory, inverse, raw, head, focus, dfocus, dmemory, draw, z: tl.constexpr):
    """Backward of `look_up`, whose result is `focus`: sets what it has in `draw`; the memory's gradient comes back."""
    match, inverse, inverse_key, key = compared(memory, inverse, raw, head, z)
    dscore = softmax_backward(focus, dfocus)
    strength = tl.load(raw + z.strength + head)
    # The slope of softplus is the sigmoid.
    tl.store(draw + z.strength + head, tl.sum(dscore * match, 0) * sigmoid(strength))
    dmatch = dscore * (1.0 + softplus(strength))
    if z.masked:
        mask = load_mask(raw, head, z)
        square = mask * mask
        along, across = dmatch * match, dmatch * inverse * inverse_key
        shrink = inverse * inverse * along
        toward = tl.sum(memory * across[:, None], 0)
        of_key = key * inverse_key * inverse_key * tl.sum(along, 0)
        store_vector(draw, head, square * (toward - of_key), z)
        dmask = mask * (key * (2.0 * toward - of_key) - tl.sum(memory * memory * shrink[:, None], 0))
        # The mask is the sigmoid, moved and shortened.
        opened = (mask - z.mask_floor) / (1.0 - z.mask_floor)
        store_vector(draw + z.mask, head, dmask * (mask - z.mask_floor) * (1.0 - opened), z)
        dmemory += square[None, :] * (across[:, None] * key[None, :] - memory * shrink[:, None])
    else:
        dkey, across, shrink = similarity_backward(memory, inverse, key, inverse_key, match, dmatch)
        store_vector(draw, head, dkey, z)
        dmemory += across[:, None] * key[None, :] - memory * shrink[:, None]
    return dmemory
