import json
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import save

from neuraltape import MANN, NTM, LSTMBaseline
from neuraltape.nn import MemoryNetwork, load_machine
from neuraltape.runs import RunDirectory
from neuraltape.runs.checkpoint import load_checkpoint
from neuraltape.runs.convert import LATER_COUNTERS, convert, converted_settings, main
from neuraltape.settings import Settings
from neuraltape.training import resume, train
from tests.training.small import small

# What an older version wrote about a machine without a memory.
OLD = {
    "task": "copy",
    "max_length": 3,
    "bits": 2,
    "model": "lstm",
    "hidden_size": 8,
    "memory_slots": 128,
    "training_slots": None,
    "gate_bias": 0.0,
    "shift_offsets": [-1, 0, 1],
    "usage_decay": 0.99,
    "eps": None,
    "optimizer": "adam",
    "momentum": 0.9,
    "decay": 0.95,
    "betas": [0.9, 0.99],
    "seed": 3,
    "cooldown_sequences": 10,
    "cooldown_below": 2.0,
    "cooldown_clip_floor": 0.5,
    "clip": "norm",
    "clip_floor": 0.25,
    "grow_below": 0.5,
}


def test_what_had_no_effect_is_left_out_and_nothing_else() -> None:
    now = converted_settings(OLD)
    assert set(OLD) - set(now) == {
        *("memory_slots", "training_slots", "gate_bias", "shift_offsets", "usage_decay", "eps", "momentum", "decay"),
        *("cooldown_clip_floor", "clip_floor", "grow_below"),
    }
    settings = Settings.from_flat(now)
    assert (settings.cooldown.below, settings.loop.seed, settings.model.hidden_size) == (2.0, 3, 8)
    assert "cooldown_below" not in converted_settings({**OLD, "cooldown_sequences": 0})
    assert settings.optimizer == type(settings.optimizer)(betas=(0.9, 0.99))
    with pytest.raises(ValueError, match="unknown key 'hiden_size'"):
        Settings.from_flat(converted_settings({**OLD, "hiden_size": 3}))


def test_a_file_of_settings_is_converted_once_and_says_no_more_than_before(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("task: copy\nmax_length: 3\ncooldown_sequences: 4\nclip: none\n")
    assert list(convert(tmp_path)) == [tmp_path / "recipe.yaml"]
    assert yaml.safe_load((tmp_path / "recipe.yaml").read_text()) == {
        "format": 2,
        "task": {"name": "copy", "max_length": 3},
        "optimizer": {"clip": "none"},
        "cooldown": {"sequences": 4},
    }
    assert list(convert(tmp_path)) == []


def test_a_result_is_converted_in_the_form_that_it_has(tmp_path: Path) -> None:
    values = {"recipe": "copy", "settings": OLD}
    line = "{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in values.items()) + "\n}\n"
    (tmp_path / "lines.json").write_text(line)
    (tmp_path / "indented.json").write_text(json.dumps({"settings": OLD}, indent=1) + "\n")
    (tmp_path / "other.json").write_text(json.dumps({"settings": {"size": 3}}))
    before = (tmp_path / "other.json").read_bytes()
    assert {path.name for path in convert(tmp_path)} == {"lines.json", "indented.json"}
    now = converted_settings(OLD)
    text = (tmp_path / "lines.json").read_text()
    assert text.count("\n") == line.count("\n")
    assert json.loads(text) == {"recipe": "copy", "settings": now}
    assert json.loads((tmp_path / "indented.json").read_text()) == {"settings": now}
    assert (tmp_path / "other.json").read_bytes() == before


def test_a_run_of_an_older_version_goes_on_after_it_is_converted(tmp_path: Path) -> None:
    settings = small(max_sequences=60)
    train(settings, run_dir=tmp_path / "whole", progress=False)
    train(small(max_sequences=40), run_dir=tmp_path / "old", progress=False)
    directory = RunDirectory(tmp_path / "old")
    kept = load_checkpoint(directory.checkpoint)
    flat = {**kept.values["settings"], "max_sequences": 60, "momentum": 0.9, "memory_slots": 128, "eps": None}
    directory.config.write_text(yaml.safe_dump(flat))
    later = ("stage", "recent", *LATER_COUNTERS)
    counters = {name: value for name, value in kept.values["counters"].items() if name not in later}
    curriculum = {"stage": 10, "recent": []}
    header = json.dumps({"format": 1, "counters": counters, "curriculum": curriculum})
    directory.checkpoint.write_bytes(save(kept.tensors, {"neuraltape": header}))
    assert len(list(convert(tmp_path / "old"))) == 2
    resume(tmp_path / "old", progress=False)
    one, other = (load_checkpoint(RunDirectory(tmp_path / name).checkpoint) for name in ("whole", "old"))
    # The shorter one has evaluated at its own end; weights do not depend on that.
    assert all(torch.equal(each, other.tensors[name]) for name, each in one.tensors.items())


@pytest.mark.parametrize(
    ("was", "lacks"), [(2, tuple(LATER_COUNTERS)), (3, ("rewinds", "first", "lowest"))], ids=["2", "3"]
)
def test_a_checkpoint_of_an_earlier_format_goes_on_after_it_is_converted(
    tmp_path: Path, was: int, lacks: tuple[str, ...]
) -> None:
    train(small(max_sequences=20), run_dir=tmp_path, progress=False)
    path = RunDirectory(tmp_path).checkpoint
    kept = load_checkpoint(path)
    counters = {name: value for name, value in kept.values["counters"].items() if name not in lacks}
    header = json.dumps({"format": was, **kept.values, "counters": counters})
    path.write_bytes(save(kept.tensors, {"neuraltape": header}))
    with pytest.raises(ValueError, match=r"of another version .* python -m neuraltape\.runs\.convert PATH$"):
        resume(tmp_path, max_sequences=40, progress=False)
    assert list(convert(tmp_path)) == [path]
    again = load_checkpoint(path)
    assert all(torch.equal(each, again.tensors[name]) for name, each in kept.tensors.items())
    assert again.values["settings"] == kept.values["settings"]
    assert again.values["counters"] == {**kept.values["counters"], **{name: LATER_COUNTERS[name] for name in lacks}}
    assert resume(tmp_path, max_sequences=40, progress=False).sequences == 40
    assert list(convert(tmp_path)) == []


def test_what_cannot_be_converted_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_text("task: copy\nhiden_size: 3\n")
    monkeypatch.setattr("sys.argv", ["convert", str(tmp_path)])
    assert main() == 2
    assert "config.yaml cannot be converted: unknown key 'hiden_size'" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["convert"])
    assert main() == 2


MACHINES = [
    NTM(3, 6, 4, memory_slots=5),
    MANN(3, 6, 4, memory_slots=5, read_heads=2),
    LSTMBaseline(3, 6, 4, controller_layers=2),
    MemoryNetwork(9, 4, slots=5),
]


def as_before(path: Path) -> None:
    """Write config.json as the version before formats did."""
    values = json.loads(path.read_text())
    del values["format"]
    machine = values.pop("machine")
    old = {"mann": {"read_heads": "heads"}, "lstm": {"controller_layers": "num_layers"}}.get(machine, {})
    path.write_text(json.dumps({old.get(name, name): value for name, value in values.items()}))


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.kind)
def test_a_saved_model_is_converted_and_loads(machine: NTM, tmp_path: Path) -> None:
    machine.save_pretrained(tmp_path / "run" / "model")
    path = tmp_path / "run" / "model" / "config.json"
    written = json.loads(path.read_text())
    as_before(path)
    with pytest.raises(ValueError, match=r"convert it: python -m neuraltape\.runs\.convert"):
        load_machine(tmp_path / "run")
    assert list(convert(tmp_path)) == [path]
    assert json.loads(path.read_text()) == written
    again = load_machine(tmp_path / "run")
    for name, tensor in machine.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)


def test_a_model_that_has_a_format_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"format": 99}')
    assert list(convert(tmp_path)) == []
    assert path.read_text() == '{"format": 99}'
