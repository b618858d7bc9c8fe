import pytest
import torch

from neuraltape.settings.optimizer_config import OptimizerConfig
from neuraltape.training.clipping import Clipping


def clipping(kind: str, at: float) -> Clipping:
    return Clipping(OptimizerConfig(clip=kind, clip_at=at))  # type: ignore[arg-type]


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
    clip = Clipping(OptimizerConfig(clip="adaptive", clip_at=3.0, clip_floor=4.0))
    clip.apply(torch.tensor([0.6, 0.8]), 1.0)
    gradient = torch.tensor([0.0, 4.0])
    clip.apply(gradient, 4.0)
    assert gradient.tolist() == [0, 4]
    gradient = torch.tensor([0.0, 500.0])
    clip.apply(gradient, 500.0)
    assert gradient.tolist() == pytest.approx([0, 4])


def test_a_cool_down_has_a_floor_of_its_own() -> None:
    clip = Clipping(OptimizerConfig(clip="adaptive", clip_at=3.0, clip_floor=0.5), 4.0)
    clip.apply(torch.tensor([0.0, 0.1]), 0.1)
    for cooling, expected in ((False, 0.5), (True, 4.0)):
        gradient = torch.tensor([0.0, 500.0])
        clip.apply(gradient, 500.0, cooling=cooling)
        assert gradient.tolist() == pytest.approx([0, expected])


def test_one_outlier_hardly_moves_the_usual_length_and_lasting_change_does() -> None:
    clip = clipping("adaptive", 3.0)
    clip.apply(torch.ones(1), 1.0)
    clip.apply(torch.ones(1), 1e9)
    assert clip.usual.item() == pytest.approx(0.95 + 0.05 * 3)
    for _ in range(200):
        clip.apply(torch.ones(1), 0.01)
    assert clip.usual.item() == pytest.approx(0.01, rel=0.01)
