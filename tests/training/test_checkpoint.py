import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from neuraltape.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    named,
    optimizer_tensors,
    random_states,
    restore_optimizer,
    restore_random_states,
    save_checkpoint,
)


def test_tensors_and_values_come_back_exactly(tmp_path: Path) -> None:
    tensors = {
        **named("model", {"a.b": torch.tensor([0.1, float("inf")])}),
        "other.a": torch.zeros(0, dtype=torch.uint8),
    }
    values = {"step": 3, "cost": 0.1 + 0.2, "none": None}
    save_checkpoint(tmp_path / "c", Checkpoint(tensors, values))
    came = load_checkpoint(tmp_path / "c")
    assert came.values == values
    assert came.tensors.keys() == tensors.keys()
    assert torch.equal(came.part("model")["a.b"], tensors["model.a.b"])
    assert came.part("other")["a"].dtype == torch.uint8


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


def test_random_states_come_back() -> None:
    with torch.random.fork_rng():
        states = random_states()
        one = torch.rand(3)
        restore_random_states(states)
        assert torch.equal(torch.rand(3), one)


def test_no_checkpoint_is_said() -> None:
    with pytest.raises(FileNotFoundError, match="no checkpoint at nowhere"):
        load_checkpoint(Path("nowhere"))


def broken_files(folder: Path) -> dict[str, Path]:
    paths = {name: folder / name for name in ("empty", "text", "cut", "foreign", "version")}
    paths["empty"].write_bytes(b"")
    paths["text"].write_text("hello " * 100)
    save_checkpoint(paths["cut"], Checkpoint({"a": torch.zeros(100)}, {}))
    paths["cut"].write_bytes(paths["cut"].read_bytes()[:-1])
    save_file({"a": torch.zeros(1)}, paths["foreign"])
    save_file({"a": torch.zeros(1)}, paths["version"], {"neuraltape": json.dumps({"format": 0})})
    return paths


@pytest.mark.parametrize("name", ["empty", "text", "cut", "foreign", "version"])
def test_a_file_that_is_no_checkpoint_is_named(tmp_path: Path, name: str) -> None:
    path = broken_files(tmp_path)[name]
    with pytest.raises(ValueError, match=name):
        load_checkpoint(path)
