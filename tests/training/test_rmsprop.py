import numpy as np
import pytest
import torch

from neuraltape.training.rmsprop import RMSProp


def test_it_follows_the_equations_of_graves() -> None:
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(6, 5))
    weights = torch.nn.Parameter(torch.zeros(5, dtype=torch.float64))
    optimizer = RMSProp([weights], 0.01, momentum=0.8, decay=0.7, eps=1e-3)
    n = g = delta = expected = np.zeros(5)
    for gradient in gradients:
        weights.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
        n = 0.7 * n + 0.3 * gradient**2
        g = 0.7 * g + 0.3 * gradient
        delta = 0.8 * delta - 0.01 * gradient / np.sqrt(n - g**2 + 1e-3)
        expected = expected + delta
    # Measured: 3e-17.
    np.testing.assert_allclose(weights.detach().numpy(), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e15])
def test_equal_gradients_never_give_nan(size: float) -> None:
    # The variance is 0, and rounding can make it negative.
    weights = torch.nn.Parameter(torch.zeros(100))
    optimizer = RMSProp([weights], 1e-4)
    for _ in range(200):
        weights.grad = torch.linspace(0.1, 1, 100) * size
        optimizer.step()
    assert weights.isfinite().all()


def test_parameters_without_gradient_stay() -> None:
    weights = torch.nn.Parameter(torch.ones(2))
    RMSProp([weights], 1.0).step()
    assert weights.tolist() == [1, 1]
