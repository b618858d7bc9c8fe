"""Converts what older versions wrote, in place: python -m neuraltape.runs.convert PATH...

PATH is a file or a folder, which is looked through: settings of runs and recipes (flat YAML, before format 2), their
checkpoints, the arguments of saved models, and the settings inside results of runs. What is of today's format already
is left alone.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from neuraltape.files import write_atomically
from neuraltape.nn.pretrained import CONFIG
from neuraltape.nn.pretrained import FORMAT as MODEL_FORMAT
from neuraltape.runs.checkpoint import FORMAT as CHECKPOINT_FORMAT
from neuraltape.runs.checkpoint import KEY, Checkpoint, save_checkpoint
from neuraltape.runs.directory import STATE, RunDirectory
from neuraltape.settings.choice import SECTIONS, Choice
from neuraltape.settings.fields import read_mapping
from neuraltape.settings.settings import FORMAT, Settings

# What a flat file of settings had for every machine and optimiser, whether it meant something to it or not.
ONCE_COMMON = frozenset(
    (
        *("memory_slots", "training_slots", "most_training_slots", "memory_width", "read_heads", "write_heads"),
        *("controller", "shift_offsets", "usage_decay", "memory_init", "train_initial_memory", "input_scale"),
        *("train_initial_weights", "train_initial_reads", "gate_bias", "write_gate_bias", "write_shift_bias"),
        *("backend", "momentum", "decay", "betas", "eps"),
    )
)


# Arguments of models that had another name.
RENAMED = {"heads": "read_heads", "num_layers": "controller_layers"}

# When a setting acted; else it was ignored and is refused today.
NEEDED: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "grow_below": lambda flat: flat.get("curriculum") == "growing",
    "clip_at": lambda flat: flat.get("clip") != "none",
    "clip_floor": lambda flat: flat.get("clip") == "adaptive",
    "cooldown_below": lambda flat: bool(flat.get("cooldown_sequences")),
    "cooldown_retry_rate": lambda flat: bool(flat.get("cooldown_sequences")),
    "cooldown_clip_floor": lambda flat: bool(flat.get("cooldown_sequences")) and flat.get("clip") == "adaptive",
}

# Counters that a checkpoint had not always, and where they began.
LATER_COUNTERS = {
    "waiting_since": 0,
    "restarts": 0,
    "rewinds": 0,
    "first": None,
    "lowest": None,
    "began": 0,
    "training": None,
    "apart": 0,
    "best": None,
    "best_at": None,
    "no_better": 0,
}


def converted_settings(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Today's flat settings from those of an older version: without what had no effect on this machine or optimiser."""
    names = Choice.of(flat).names()
    kept = {name: value for name, value in flat.items() if name in names or name not in ONCE_COMMON}
    idle = {name for name, needed in NEEDED.items() if not needed(flat)}
    # No value of eps meant the optimiser's own.
    return {name: value for name, value in kept.items() if name not in idle and (name != "eps" or value is not None)}


def nested_text(flat: Mapping[str, Any]) -> str:
    """The YAML of flat settings, only what they name."""
    whole = Settings.from_flat(flat).nested()
    lines: dict[str, Any] = {"format": FORMAT}
    for section in SECTIONS:
        values = {key: value for key, value in whole[section.name].items() if section.flat_name(key) in flat}
        if values:
            lines[section.name] = values
    return yaml.safe_dump(lines, sort_keys=False, allow_unicode=True, default_flow_style=None, width=1000)


def convert_yaml(path: Path) -> bool:
    """Convert a file of settings; returns whether it was an old one. Raises ValueError for settings that cannot be."""
    values = read_mapping(path)
    if "format" in values or not isinstance(values.get("task"), str):
        return False
    write_atomically(path, nested_text(converted_settings(values)).encode())
    return True


def convert_model(path: Path) -> bool:
    """Convert the arguments of a saved model; returns whether they were old ones."""
    values = json.loads(path.read_text(encoding="utf-8"))
    if "format" in values:
        return False
    if "hops" in values:
        machine = "memory-network"
    elif "controller" not in values:
        machine = "lstm"
    else:
        machine = "mann" if "usage_decay" in values else "ntm"
    arguments = {RENAMED.get(name, name): value for name, value in values.items()}
    now = {"format": MODEL_FORMAT, "machine": machine, **dict(sorted(arguments.items()))}
    write_atomically(path, (json.dumps(now, indent=2) + "\n").encode())
    return True


def convert_checkpoint(path: Path) -> bool:
    """Convert a checkpoint, whose run's settings have been converted; returns whether it was an old one."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        values = json.loads((file.metadata() or {})[KEY])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dictionary)
    was = values.pop("format")
    if was == CHECKPOINT_FORMAT:
        return False
    values["counters"] = {**LATER_COUNTERS, **values["counters"]}
    if was == 1:
        curriculum = values.pop("curriculum")
        values["counters"] |= {"stage": curriculum["stage"], "recent": curriculum["recent"]}
        settings = Settings.load(RunDirectory(path.parent.parent).config)
        if settings.practice.curriculum != "growing":
            values["counters"]["stage"] = 1
        values["settings"] = settings.flat()
    # Format 2 had no checksum.
    save_checkpoint(path, Checkpoint(tensors, values))
    return True


def convert_result(path: Path) -> bool:
    """Convert the settings in a result of a run; returns whether they were old ones."""
    text = path.read_text(encoding="utf-8")
    values = json.loads(text)
    settings = values.get("settings") if isinstance(values, dict) else None
    if not isinstance(settings, dict) or not {"task", "model"} <= settings.keys():
        return False
    now = converted_settings(settings)
    if now == settings:
        return False
    after = {**values, "settings": now}
    # A result has a field a line, or is indented.
    write = _field_a_line if text == _field_a_line(values) else _indented
    write_atomically(path, write(after).encode())
    return True


def _field_a_line(values: Mapping[str, Any]) -> str:
    return "{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in values.items()) + "\n}\n"


def _indented(values: Mapping[str, Any]) -> str:
    return json.dumps(values, indent=1) + "\n"


def convert(path: Path) -> Iterator[Path]:
    """Convert a file, or all files in a folder; yields those that were changed. Raises ValueError that names a file."""
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    # Settings first: a checkpoint takes them in.
    for file in sorted(files, key=lambda each: each.suffix != ".yaml"):
        change = CHANGES.get(file.name) or CHANGES.get(file.suffix)
        try:
            changed = change is not None and change(file)
        except (ValueError, KeyError, OSError) as error:
            raise ValueError(f"{file} cannot be converted: {error}") from error
        if changed:
            yield file


# What converts each file, by its name or the end of it.
CHANGES: dict[str, Callable[[Path], bool]] = {
    ".yaml": convert_yaml,
    STATE: convert_checkpoint,
    CONFIG: convert_model,
    ".json": convert_result,
}


def main() -> int:
    """Convert what the arguments name, and say what was changed."""
    if len(sys.argv) < 2:
        sys.stderr.write("usage: python -m neuraltape.runs.convert PATH...\n")
        return 2
    try:
        for argument in sys.argv[1:]:
            for path in convert(Path(argument)):
                print(f"converted {path}", flush=True)  # noqa: T201 (a program of its own)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"neuraltape: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
