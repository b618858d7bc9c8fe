from pathlib import Path

import numpy as np
import pytest
import torch

from neuraltape.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from neuraltape.settings import AdamSettings, RMSPropSettings
from neuraltape.training.optimizers import (
    Clipping,
    RMSProp,
    build_optimizer,
    optimizer_tensors,
    restore_optimizer,
    state_names,
)


@pytest.mark.parametrize("expected", [1e-8, 1e-3])
def test_adam_gets_its_settings(expected: float) -> None:
    config = AdamSettings(learning_rate=0.5, betas=(0.1, 0.2), eps=expected)
    (group,) = build_optimizer(config, torch.nn.Parameter(torch.zeros(1))).param_groups
    assert (group["lr"], group["betas"], group["eps"]) == (0.5, (0.1, 0.2), expected)


def test_rmsprop_gets_its_settings() -> None:
    config = RMSPropSettings(learning_rate=0.5, momentum=0.3, decay=0.4)
    optimizer = build_optimizer(config, torch.nn.Parameter(torch.zeros(1)))
    assert isinstance(optimizer, RMSProp)
    (group,) = optimizer.param_groups
    assert (group["lr"], group["momentum"], group["decay"], group["eps"]) == (0.5, 0.3, 0.4, 1e-4)


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.SGD])
def test_an_optimiser_goes_on_exactly(tmp_path: Path, optimizer: type) -> None:
    def make(start: torch.Tensor) -> tuple[torch.nn.Parameter, torch.optim.Optimizer]:
        weights = torch.nn.Parameter(start.clone())
        settings = {"fused": True} if optimizer is torch.optim.Adam else {"momentum": 0.9}
        return weights, optimizer([weights], lr=0.1, **settings)

    def steps(weights: torch.nn.Parameter, by: torch.optim.Optimizer, at: range) -> None:
        for step in at:
            weights.grad = torch.sin(torch.arange(5.0) + step)
            by.step()

    weights, first = make(torch.zeros(5))
    steps(weights, first, range(3))
    save_checkpoint(tmp_path / "c", Checkpoint(optimizer_tensors(first), {}))
    other, second = make(weights.detach())
    restore_optimizer(second, load_checkpoint(tmp_path / "c").tensors)
    steps(weights, first, range(3, 6))
    steps(other, second, range(3, 6))
    assert torch.equal(weights, other)


@pytest.mark.parametrize("settings", [AdamSettings(), RMSPropSettings()], ids=["adam", "rmsprop"])
def test_what_an_optimiser_keeps_is_known_by_name(settings: AdamSettings | RMSPropSettings) -> None:
    weights = torch.nn.Parameter(torch.zeros(3))
    optimizer = build_optimizer(settings, weights)
    weights.grad = torch.ones(3)
    optimizer.step()
    assert set(optimizer_tensors(optimizer)) == {f"0.{name}" for name in state_names(settings)}


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


def clipping(kind: str, at: float) -> Clipping:
    return Clipping(kind, at)


def clipped(kind: str, at: float) -> list[float]:
    gradient = torch.tensor([3.0, -4.0])
    clipping(kind, at).apply(gradient, 5.0)
    return gradient.tolist()


def test_clipping_by_norm_keeps_the_direction() -> None:
    assert clipped("norm", 1.0) == pytest.approx([0.6, -0.8])


def test_clipping_by_norm_leaves_what_is_below_the_bound() -> None:
    assert clipped("norm", 5.0) == [3, -4]


def test_clipping_by_value_is_element_by_element() -> None:
    assert clipped("value", 3.5) == [3, -3.5]


def test_no_clipping_changes_nothing() -> None:
    assert clipped("none", 1.0) == [3, -4]


def test_the_first_gradient_sets_the_usual_length() -> None:
    assert clipped("adaptive", 1.0) == [3, -4]


def test_adaptive_clipping_shortens_what_is_unusually_long() -> None:
    clip = clipping("adaptive", 3.0)
    for _ in range(10):
        clip.apply(torch.tensor([0.6, 0.8]), 1.0)
    gradient = torch.tensor([300.0, 400.0])
    clip.apply(gradient, 500.0)
    assert gradient.tolist() == pytest.approx([1.8, 2.4])


def test_below_its_floor_adaptive_clipping_leaves_everything() -> None:
    clip = clipping("adaptive", 3.0)
    clip.apply(torch.tensor([0.6, 0.8]), 1.0, floor=4.0)
    gradient = torch.tensor([0.0, 4.0])
    clip.apply(gradient, 4.0, floor=4.0)
    assert gradient.tolist() == [0, 4]
    gradient = torch.tensor([0.0, 500.0])
    clip.apply(gradient, 500.0, floor=4.0)
    assert gradient.tolist() == pytest.approx([0, 4])


@pytest.mark.parametrize("kind", ["norm", "value"])
def test_only_adaptive_clipping_has_a_floor(kind: str) -> None:
    gradient = torch.tensor([0.0, 4.0])
    clipping(kind, 1.0).apply(gradient, 4.0, floor=5.0)
    assert gradient.tolist() == [0, 1]


def test_one_outlier_hardly_moves_the_usual_length_and_lasting_change_does() -> None:
    clip = clipping("adaptive", 3.0)
    clip.apply(torch.ones(1), 1.0)
    clip.apply(torch.ones(1), 1e9)
    assert clip.usual.item() == pytest.approx(0.95 + 0.05 * 3)
    for _ in range(200):
        clip.apply(torch.ones(1), 0.01)
    assert clip.usual.item() == pytest.approx(0.01, rel=0.01)
