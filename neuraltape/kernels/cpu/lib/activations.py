"""Functions that bring numbers into their ranges: one number, or a weighting over slots."""

import math

import numpy as np

from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import exp, largest, load, multiply_add, splat, store, total, where


@helper
def sigmoid_of(x):
    """1 / (1 + e^-x) of one number."""
    small = math.exp(-abs(x))
    return (1.0 if x >= 0.0 else small) / (1.0 + small)


@helper
def softplus(x):
    """log(1 + e^x) without overflow."""
    # From 20 on torch's softplus is the identity; NaN takes this way too.
    return math.log1p(math.exp(-abs(x))) + max(x, 0.0) if x <= 20.0 else x


@helper
def softplus_slope(value):
    """Slope of softplus where it has this value: 1 - e^-value."""
    return 1.0 if value > 20.0 else -math.expm1(-value)


@helper
def softmax_numerators(values, v0, factor, mask, result, r0, tiles, vector):
    """exp(factor * values + mask - its largest) of every slot; returns one over their sum."""
    top = splat(values, -np.inf)
    for tile in range(tiles):
        value = multiply_add(load(values, v0 + tile * vector), factor, load(mask, tile * vector))
        store(result, r0 + tile * vector, value)
        top = where(top < value, value, top)
    peak = largest(top)
    summed = splat(values, 0.0)
    for tile in range(tiles):
        power = exp(load(result, r0 + tile * vector) - peak)
        store(result, r0 + tile * vector, power)
        summed = summed + power
    return 1.0 / total(summed)
