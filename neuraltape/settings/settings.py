"""The whole configuration of one training: task, model, optimiser, loop.

On disk and on the command line it is flat: `task` and then the fields of all four side by side, so that a recipe, a
run's `config.yaml` and the flags say the same thing with the same words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from neuraltape.settings.loop_config import LoopConfig as LoopConfig
from neuraltape.settings.model_config import ModelConfig as ModelConfig
from neuraltape.settings.optimizer_config import OptimizerConfig as OptimizerConfig
from neuraltape.tasks import DATA_TASKS, TASKS
from neuraltape.tasks.sequences import Sequences
from neuraltape.tasks.task import Task

# Every task that a configuration can name: the built-in ones and the user's own sequences.
NAMED_TASKS: dict[str, type[Task]] = {**TASKS, **DATA_TASKS, Sequences.name: Sequences}


@dataclass(frozen=True)
class TrainConfig:
    """Everything that a training depends on."""

    task: Task
    """What to learn."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """Which machine."""
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    """How its weights are changed."""
    loop: LoopConfig = field(default_factory=LoopConfig)
    """How long, on what and where."""

    def flat(self) -> dict[str, Any]:
        """All fields in one dictionary of plain values, `task` (its name) first: what `from_flat` reads."""
        values: dict[str, Any] = {"task": self.task.name}
        for part in (self.task, self.model, self.optimizer, self.loop):
            for name in field_names(type(part)):
                values[name] = _plain(getattr(part, name))
        return values

    @classmethod
    def from_flat(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """Build a configuration from flat values; what is not there has its default.

        Raises:
            ValueError: an unknown task or key (close matches are named), or a value of the wrong type or range.
        """
        values = dict(values)
        task_type = named_task(values.pop("task", None))
        parts = (task_type, ModelConfig, OptimizerConfig, LoopConfig)
        check_keys(values, [name for part in parts for name in field_names(part)])
        return cls(*(build(part, values) for part in parts))

    def save(self, path: str | Path) -> None:
        """Write the flat configuration as YAML."""
        Path(path).write_text(self.to_yaml(), encoding="utf-8")

    def to_yaml(self) -> str:
        """The flat configuration as YAML."""
        return yaml.safe_dump(self.flat(), sort_keys=False, allow_unicode=True)

    @classmethod
    def load(cls, path: str | Path) -> "TrainConfig":
        """Read a flat YAML file: a recipe or a run's `config.yaml`. Raises ValueError as `from_flat` does."""
        return cls.from_flat(read_flat(path))


def read_flat(path: str | Path) -> dict[str, Any]:
    """The keys and values of a flat YAML file. Raises ValueError if it isn't one; FileNotFoundError if it is absent."""
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ValueError(f"{path} must hold one `key: value` a line; got {type(values).__name__}")
    return values


def named_task(name: object) -> type[Task]:
    """The task of that name. Raises ValueError that lists the choices."""
    if not isinstance(name, str) or name not in NAMED_TASKS:
        raise ValueError(f"task must be one of {', '.join(NAMED_TASKS)}; got {name!r}")
    return NAMED_TASKS[name]


def field_names(part: type) -> list[str]:
    """Names of the fields that a configuration can set."""
    return [each.name for each in fields(part) if each.init]


def check_keys(values: Mapping[str, Any], known: list[str]) -> None:
    """Raise ValueError for the first key that isn't known, with the keys that look like it."""
    for key in values:
        if key not in known:
            close = get_close_matches(key, known) or sorted(known)
            raise ValueError(f"unknown key {key!r}; did you mean {' or '.join(close)}?")


def build(part: type, values: Mapping[str, Any]) -> Any:
    """A dataclass from those of the values that are its fields. Raises ValueError for one of a wrong type or range."""
    # The command line's own parser reads the values, so that a file accepts what a flag accepts (1e-3, null, lists).
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(part, as_group=False)
    mine = {key: values[key] for key in field_names(part) if key in values}
    try:
        parsed = parser.parse_object(mine)
    except Exception as error:  # argparse.ArgumentError, and TypeError from inside the parser
        raise ValueError(" ".join(str(error).split())) from error
    return part(**{key: parsed[key] for key in mine})


def _plain(value: Any) -> Any:
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value
