"""Random tensors, hypothesis strategies and assertions that the tests of `neuraltape.functional` share."""

from collections.abc import Callable

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Generator, Tensor

DTYPES = (torch.float32, torch.float64)
seeds = st.integers(0, 2**31)
dtypes = st.sampled_from(DTYPES)


def normal(generator: Generator, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Normally distributed numbers."""
    return torch.randn(shape, generator=generator, dtype=dtype)


def uniform(generator: Generator, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Numbers between 0 and 1."""
    return torch.rand(shape, generator=generator, dtype=dtype)


def simplex(generator: Generator, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Positive numbers that sum to 1 over the last axis."""
    return normal(generator, *shape, dtype=dtype).softmax(-1)


def one_hot(*shape: int, at: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """All of the last axis' weight on one entry."""
    weights = torch.zeros(shape, dtype=dtype)
    weights[..., at] = 1
    return weights


def numbers(shape: tuple[int, ...], low: float, high: float, dtype: torch.dtype) -> st.SearchStrategy[Tensor]:
    """Arrays that hypothesis fills, with its taste for zeros, bounds, repeats and subnormal numbers."""
    elements = st.floats(low, high, width=32)
    return arrays(np.float64, shape, elements=elements).map(lambda array: torch.from_numpy(array).to(dtype))


@st.composite
def weightings(draw: st.DrawFn, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Non-negative numbers that sum to 1 over the last axis; many of them 0 or very small."""
    mass = draw(numbers(shape, 0, 1, dtype))
    mass[..., draw(st.integers(0, shape[-1] - 1))] += 1
    return mass / mass.sum(-1, keepdim=True)


def assert_weighting(weights: Tensor) -> None:
    """Non-negative, sums to 1 over the last axis."""
    assert (weights >= 0).all(), weights
    # Measured: 2e-7 in float32 and 4e-16 in float64.
    bound = 1e-6 if weights.dtype == torch.float32 else 2e-15
    error = (weights.sum(-1) - 1).abs().max().item()
    assert error < bound, f"sums are {error} away from 1"


def assert_matches(actual: Tensor, expected: np.ndarray, bound: float) -> None:
    """The same shape, and nowhere more than `bound` apart."""
    assert actual.shape == expected.shape
    error = np.abs(actual.detach().double().numpy() - expected).max()
    assert error <= bound, f"{error} apart, more than {bound}"


def assert_finite_with_gradients(function: Callable[..., Tensor], *inputs: Tensor) -> None:
    """Value and every input's gradient hold no NaN and no infinity."""
    inputs = tuple(tensor.detach().clone().requires_grad_() for tensor in inputs)
    value = function(*inputs)
    assert value.isfinite().all(), value
    # A plain sum of weights is always 1 and would hide the gradient.
    ramp = torch.linspace(-1, 1, value.numel(), dtype=value.dtype).view_as(value)
    gradients = torch.autograd.grad((value * ramp).sum(), inputs)
    for number, gradient in enumerate(gradients):
        assert gradient.isfinite().all(), f"gradient of input {number}: {gradient}"
