import json
import os
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from neuraltape.runs.checkpoint import (
    BrokenCheckpointError,
    Checkpoint,
    load_checkpoint,
    load_last_checkpoint,
    named,
    save_checkpoint,
)
from neuraltape.runs.directory import RunDirectory


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


def test_one_bit_changed_anywhere_is_found(tmp_path: Path) -> None:
    path = tmp_path / "state"
    save_checkpoint(path, Checkpoint({"a": torch.arange(3.0), "checksum": torch.ones(1)}, {"checksum": "0" * 64}))
    assert load_checkpoint(path).values == {"checksum": "0" * 64}
    whole = path.read_bytes()
    assert len(whole) > 300
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        with pytest.raises(BrokenCheckpointError, match=str(path)) as error:
            load_checkpoint(path)
        assert "\n" not in str(error.value)


def generations(folder: Path) -> RunDirectory:
    """A run with the checkpoints of step 2 and, before it, 1."""
    directory = RunDirectory(folder)
    for step in (0, 1, 2):
        checkpoint = Checkpoint({"a": torch.full((3,), float(step))}, {"step": step})
        save_checkpoint(directory.checkpoint, checkpoint, before=directory.before)
    return directory


def test_the_last_checkpoint_and_the_one_before_it_are_kept(tmp_path: Path) -> None:
    assert load_last_checkpoint(RunDirectory(tmp_path)) is None
    directory = generations(tmp_path)
    assert {path.name for path in directory.checkpoint.parent.iterdir()} == {"state.safetensors", "before.safetensors"}
    assert load_checkpoint(directory.before).values == {"step": 1}
    found = load_last_checkpoint(directory)
    assert found is not None
    assert (found[0], found[1].values) == (directory.checkpoint, {"step": 2})


def test_a_checkpoint_of_another_version_is_not_passed_over(tmp_path: Path) -> None:
    directory = generations(tmp_path)
    save_file({"a": torch.zeros(1)}, directory.checkpoint, {"neuraltape": json.dumps({"format": 2})})
    with pytest.raises(ValueError, match="another version"):
        load_last_checkpoint(directory)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes among its files")
def test_what_is_no_file_is_broken_and_is_not_waited_for(tmp_path: Path) -> None:
    for name, make in (("folder", os.mkdir), ("pipe", os.mkfifo), ("loop", lambda path: path.symlink_to("loop"))):
        make(tmp_path / name)
        with pytest.raises(BrokenCheckpointError, match="is broken: it is not a file"):
            load_checkpoint(tmp_path / name)
