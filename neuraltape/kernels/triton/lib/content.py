"""How much each slot resembles a key, and the softmax over slots, both ways. Knows no access."""

import triton
import triton.language as tl

from neuraltape.kernels.triton.lib.formulas import inverse_norm


@triton.jit
def inverse_norms(memory, z: tl.constexpr):
    """1 / length of every row."""
    return inverse_norm(tl.sum(memory * memory, 1), z.smallest_norm)


@triton.jit
def similarity(memory, inverse, key, inverse_key):
    """Every row's product with the key, over both lengths. inverse, inverse_key: 1 / lengths."""
    return tl.sum(memory * key[None, :], 1) * inverse * inverse_key


@triton.jit
def similarity_backward(memory, inverse, key, inverse_key, match, dmatch):
    """Backward of `similarity`, whose result is `match`. A length that was rounded up has the same slope.

    Returns:
        The gradient of the key; and `across` and `shrink`, a number a row, with which that of the memory grows by
        across key - shrink memory.
    """
    along = dmatch * match
    across = dmatch * inverse * inverse_key
    dkey = tl.sum(memory * across[:, None], 0) - key * inverse_key * inverse_key * tl.sum(along, 0)
    return dkey, across, inverse * inverse * along


@triton.jit
def softmax_backward(x, dx):
    """From the gradient of a softmax to that of what it was made of. x: its result."""
    return x * (dx - tl.sum(x * dx, 0))
