import pytest
import torch

from neuraltape.training.optimizer_config import OptimizerConfig
from neuraltape.training.optimizers import build_optimizer
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
