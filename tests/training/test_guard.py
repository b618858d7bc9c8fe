import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn

from neuraltape.tasks import Copy
from neuraltape.training.guard import first_bad, first_bad_of_step, save_batch

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


def test_the_batch_is_kept_as_it_was(tmp_path: Path) -> None:
    batch = Copy().sample(3, torch.Generator().manual_seed(0))
    save_batch(tmp_path / "batch.safetensors", batch, step=7, tensor="loss")
    with safe_open(tmp_path / "batch.safetensors", "pt") as file:
        assert json.loads(file.metadata()["neuraltape"]) == {"step": 7, "tensor": "loss"}
        for name, tensor in batch._asdict().items():
            assert torch.equal(file.get_tensor(name), tensor)
