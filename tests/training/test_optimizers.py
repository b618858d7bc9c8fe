from pathlib import Path

import pytest
import torch

from neuraltape.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from neuraltape.settings.optimizer_config import OptimizerConfig
from neuraltape.training.optimizers import build_optimizer, optimizer_tensors, restore_optimizer
from neuraltape.training.rmsprop import RMSProp


@pytest.mark.parametrize(("eps", "expected"), [(None, 1e-8), (1e-3, 1e-3)])
def test_adam_gets_its_settings(eps: float | None, expected: float) -> None:
    config = OptimizerConfig(learning_rate=0.5, betas=(0.1, 0.2), eps=eps)
    (group,) = build_optimizer(config, torch.nn.Parameter(torch.zeros(1))).param_groups
    assert (group["lr"], group["betas"], group["eps"]) == (0.5, (0.1, 0.2), expected)


def test_rmsprop_gets_its_settings() -> None:
    config = OptimizerConfig(optimizer="rmsprop", learning_rate=0.5, momentum=0.3, decay=0.4)
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
