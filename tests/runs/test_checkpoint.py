import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from neuraltape.runs.checkpoint import Checkpoint, load_checkpoint, named, save_checkpoint


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


def test_no_checkpoint_is_said() -> None:
    with pytest.raises(FileNotFoundError, match="no checkpoint at nowhere"):
        load_checkpoint(Path("nowhere"))


BROKEN = ("empty", "text", "cut", "foreign", "version", "list", "word")


def broken_files(folder: Path) -> dict[str, Path]:
    paths = {name: folder / name for name in BROKEN}
    paths["empty"].write_bytes(b"")
    paths["text"].write_text("hello " * 100)
    save_checkpoint(paths["cut"], Checkpoint({"a": torch.zeros(100)}, {}))
    paths["cut"].write_bytes(paths["cut"].read_bytes()[:-1])
    save_file({"a": torch.zeros(1)}, paths["foreign"])
    save_file({"a": torch.zeros(1)}, paths["version"], {"neuraltape": json.dumps({"format": 0})})
    save_file({"a": torch.zeros(1)}, paths["list"], {"neuraltape": "[]"})
    save_file({"a": torch.zeros(1)}, paths["word"], {"neuraltape": '"x"'})
    return paths


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_no_checkpoint_is_named(tmp_path: Path, name: str) -> None:
    path = broken_files(tmp_path)[name]
    with pytest.raises(ValueError, match=name):
        load_checkpoint(path)
