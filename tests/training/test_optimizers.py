import pytest
import torch

from neuraltape.training.optimizer_config import OptimizerConfig
from neuraltape.training.optimizers import build_optimizer, clip
from neuraltape.training.rmsprop import RMSProp


def clipped(kind: str, at: float) -> torch.Tensor:
    gradient = torch.tensor([3.0, -4.0])
    clip(OptimizerConfig(clip=kind, clip_at=at), gradient, 5.0)  # type: ignore[arg-type]
    return gradient


def test_clipping_by_norm_keeps_the_direction() -> None:
    torch.testing.assert_close(clipped("norm", 1.0), torch.tensor([0.6, -0.8]))


def test_clipping_by_norm_leaves_what_is_below_the_bound() -> None:
    assert clipped("norm", 5.0).tolist() == [3, -4]


def test_clipping_by_value_is_element_by_element() -> None:
    assert clipped("value", 3.5).tolist() == [3, -3.5]


def test_no_clipping_changes_nothing() -> None:
    assert clipped("none", 1.0).tolist() == [3, -4]


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
