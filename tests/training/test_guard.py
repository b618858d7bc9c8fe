import pytest
import torch
from torch import nn

from neuraltape.training.guard import first_bad, first_bad_of_step

GOOD = torch.zeros(2)


def test_the_first_bad_tensor_is_named() -> None:
    tensors = [("a", GOOD), ("none", None), ("b", torch.tensor([1.0, float("nan")])), ("c", torch.tensor(float("inf")))]
    assert first_bad(tensors) == "b"
    assert first_bad(tensors[:2]) is None


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        ({"weight", "outputs", "loss", "gradient"}, "weight b"),
        ({"outputs", "loss", "gradient"}, "outputs"),
        ({"loss", "gradient"}, "loss"),
        ({"gradient"}, "gradient of b"),
        (set(), "norm of the gradients"),
    ],
)
def test_causes_come_before_what_follows_from_them(bad: set[str], name: str) -> None:
    def make(what: str) -> torch.Tensor:
        return torch.full((2,), float("-inf")) if what in bad else GOOD.clone()

    parameters = {"a": nn.Parameter(GOOD.clone()), "b": nn.Parameter(make("weight"))}
    parameters["b"].grad = make("gradient")
    assert first_bad_of_step(parameters, make("outputs"), make("loss").sum()) == name
