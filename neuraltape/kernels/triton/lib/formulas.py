"""Activations and norms, of scalars and of tensors. Written out, since Triton's interpreter has no libdevice."""

import triton
import triton.language as tl


@triton.jit
def sigmoid(x):
    """1 / (1 + e^-x), without an exponential that overflows."""
    small = tl.exp(-tl.abs(x))
    near = 1.0 / (1.0 + small)
    return tl.where(x >= 0, near, small * near)


@triton.jit
def tanh(x):
    """(1 - e^-2|x|) / (1 + e^-2|x|), and its series near 0, where that fraction loses digits."""
    small = tl.exp(-2.0 * tl.abs(x))
    far = (1.0 - small) / (1.0 + small)
    s = x * x
    series = -17.0 / 315.0 + s * (62.0 / 2835.0 - s * (1382.0 / 155925.0))
    near = x + x * s * (-1.0 / 3.0 + s * (2.0 / 15.0 + s * series))
    return tl.where(tl.abs(x) < 0.2, near, tl.where(x >= 0, far, -far))


@triton.jit
def softplus(x):
    """Log(1 + e^x) as max(x, 0) + log1p(e^-|x|)."""
    small = tl.exp(-tl.abs(x))
    # What is lost when 1 is added is put back by the ratio (Kahan's log1p).
    one_more = 1.0 + small
    added = one_more - 1.0
    lost = added == 0
    ratio = small / tl.where(lost, 1.0, added)
    return tl.where(x > 0, x, 0.0) + tl.where(lost, small, tl.log(one_more) * ratio)


@triton.jit
def softmax(x, valid):
    """Softmax of a vector over the places that are valid; 0 elsewhere."""
    x = tl.where(valid, x, float("-inf"))
    power = tl.exp(x - tl.max(x, 0))
    return power / tl.sum(power, 0)


@triton.jit
def inverse_norm(squared, smallest: tl.constexpr):
    """1 / norm of a squared norm; 0 where a vector is too short to have a direction."""
    has = squared > smallest * smallest
    return tl.where(has, 1.0 / tl.sqrt(tl.where(has, squared, 1.0)), 0.0)
