"""Everything that a training depends on: six sections, each a frozen dataclass that owns its options.

On disk the sections are nested (`task: {name: copy}`, `model: {machine: ntm, hidden_size: 100}`, ...). Flags, and
whatever counts or compares settings, are flat: a field's name, with `cooldown_` before those of the cool-down, and
`task`, `model` and `optimizer` for which of them it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any

import yaml

from neuraltape.files import write_atomically
from neuraltape.nn.access import NTMConfig
from neuraltape.nn.machines import Kind
from neuraltape.settings.checks import check_needed
from neuraltape.settings.choice import (
    SECTIONS,
    TRAINABLE,
    Choice,
    Section,
    able_to,
    chosen_from,
    sections_of,
)
from neuraltape.settings.cooldown import CooldownSettings
from neuraltape.settings.fields import build, check_keys, field_names, plain, read_mapping
from neuraltape.settings.loop import LoopSettings
from neuraltape.settings.optimizer import AdamSettings, OptimizerSettings
from neuraltape.settings.practice import NEEDS, PracticeSettings
from neuraltape.tasks import TASKS
from neuraltape.tasks.task import Task

FORMAT = 2
# Symbols are looked up as so many numbers where nobody says otherwise: a single 1 among zeros is too small a signal.
EMBEDDING = 64
# What ends a line to YAML's reader, and is written as it is by its writer.
NEW_LINES = ("\x85", "\u2028", "\u2029")


@dataclass(frozen=True)
class Settings:
    """Everything that a training depends on.

    Raises:
        ValueError: a machine that can't be trained so: what it varies in practice needs what the machine has not.
    """

    task: Task
    """What to learn."""
    model: Any = field(default_factory=NTMConfig)
    """Which machine: the settings of one of the table's."""
    optimizer: OptimizerSettings = field(default_factory=AdamSettings)
    """How its weights are changed."""
    practice: PracticeSettings = field(default_factory=PracticeSettings)
    """What training varies."""
    cooldown: CooldownSettings = field(default_factory=CooldownSettings)
    """How the rate falls before a task counts as solved."""
    loop: LoopSettings = field(default_factory=LoopSettings)
    """How long, on what and where."""

    def __post_init__(self) -> None:
        for name, need in NEEDS.items():
            value = getattr(self.practice, name)
            if not getattr(self.kind, need) and value != getattr(PracticeSettings, name):
                owner = " or ".join(able_to(need))
                raise ValueError(f"{name} is a setting of model {owner}; model is {self.kind.name}")
        if self.practice.training_slots is not None and self.model.fixed_slots:
            raise ValueError(
                "training_slots needs a start that fits any number of slots: memory_init constant, and neither "
                "train_initial_memory nor train_initial_weights"
            )
        if self.cooldown.clip_floor and self.optimizer.clip != "adaptive":
            raise ValueError(f"cooldown_clip_floor has no effect without clip adaptive; clip is {self.optimizer.clip}")
        if self.task.goal is None or not self.task.goal.ends_training:
            condition = f"a goal that ends the training, and {self.task.name} has none"
            check_needed(self.loop, ["stop_when_solved", "restart_after", "confirm_sequences"], False, condition)
            if self.cooldown.sequences:
                raise ValueError(f"cooldown_sequences has no effect without {condition}; got {self.cooldown.sequences}")
        if self.loop.restart_after and self.optimizer.schedule != "constant":
            raise ValueError(f"restart_after needs schedule constant; got {self.optimizer.schedule}")
        offsets = getattr(self.model, "shift_offsets", (0,))
        fewest = min(each or inf for each in (self.practice.training_slots, getattr(self.model, "memory_slots", None)))
        if max(map(abs, offsets)) >= fewest:
            raise ValueError(
                f"shift_offsets must stay below the number of slots, {fewest} at the fewest; got {list(offsets)}"
            )
        if self.practice.write_shift_bias and 1 not in self.model.shift_offsets:
            raise ValueError(f"write_shift_bias needs 1 among shift_offsets; got {list(self.model.shift_offsets)}")

    def resolved(self) -> "Settings":
        """The same settings with what is found in the task's files, as a run keeps them.

        Raises:
            ValueError: a file that can't be used, or an embedding where inputs are no symbols.
        """
        task, size = self.task.resolved(), self.model.embedding_size
        if size and not task.takes_symbols:
            raise ValueError(f"embedding_size needs inputs that are symbols; those of {task.name} are not; got {size}")
        if size is None and task.takes_symbols:
            size = EMBEDDING
        return replace(self, task=task, model=replace(self.model, embedding_size=size))

    @property
    def kind(self) -> Kind:
        """The machine's entry in the table of machines."""
        for kind in TRAINABLE.values():
            if type(self.model) is kind.config:
                return kind
        names = ", ".join(kind.config.__name__ for kind in TRAINABLE.values())
        raise ValueError(f"model must be one of {names}; got a {type(self.model).__name__}")

    @property
    def choice(self) -> Choice:
        """Which task, machine and optimiser these are for."""
        return Choice(type(self.task), self.kind, type(self.optimizer))

    def nested(self) -> dict[str, Any]:
        """All settings as a file holds them: plain values, section by section."""
        values: dict[str, Any] = {"format": FORMAT}
        chosen = {"task": self.task.name, "model": self.kind.name, "optimizer": self.optimizer.name}
        for section in SECTIONS:
            values[section.name] = {section.chooser: chosen[section.name]} if section.chooser else {}
        for section, name in self.choice.fields():
            values[section.name][name] = plain(getattr(getattr(self, section.name), name))
        return values

    def flat(self) -> dict[str, Any]:
        """All settings in one dictionary of plain values by their flat names: what `from_flat` reads."""
        return flattened(self.nested())

    @classmethod
    def from_flat(cls, values: Mapping[str, Any]) -> "Settings":
        """Build settings from flat values; what is not there has its default.

        Raises:
            ValueError: an unknown task, machine or name (close matches are named), a name that belongs to another
                machine or optimiser, or a value of the wrong type or range.
        """
        choice = Choice.of(values)
        choice.check(values)
        parts = choice.parts()
        return cls(**{section.name: _section(section, parts[section.name], values) for section in SECTIONS})

    def save(self, path: str | Path) -> None:
        """Write them as YAML."""
        write_atomically(Path(path), self.to_yaml().encode())

    def to_yaml(self) -> str:
        """The settings as YAML."""
        text = yaml.safe_dump(self.nested(), sort_keys=False, allow_unicode=True)
        if any(mark in text for mark in NEW_LINES):
            return yaml.safe_dump(self.nested(), sort_keys=False)
        return text

    @classmethod
    def load(cls, path: str | Path) -> "Settings":
        """Read a recipe or a run's settings. Raises ValueError as `from_flat` does; it names the file."""
        values = read_flat(path)
        try:
            return cls.from_flat(values)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


def read_flat(path: str | Path) -> dict[str, Any]:
    """What a YAML file of settings says, by flat names.

    Raises:
        ValueError: it is none, or of another format.
        FileNotFoundError: it is absent.
    """
    values = read_mapping(path)
    try:
        return flattened(values)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_task(path: str | Path) -> Task:
    """The task alone that a YAML file of settings names. Raises ValueError as `read_flat` and `Settings.load` do."""
    values = read_flat(path)
    task = chosen_from("task", values.get("task"), TASKS)
    return build(task, values)


def flattened(nested: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as a file holds them, by flat names.

    Raises:
        ValueError: another format than today's, an unknown section, one that is none, or a key of another section.
    """
    if nested.get("format") != FORMAT:
        old = "format" not in nested and isinstance(nested.get("task"), str)
        hint = "; convert what an older version wrote with: python -m neuraltape.runs.convert PATH" if old else ""
        raise ValueError(f"format must be {FORMAT}; got {nested.get('format')}{hint}")
    check_keys((key for key in nested if key != "format"), [section.name for section in SECTIONS])
    flat: dict[str, Any] = {}
    for section in SECTIONS:
        values = nested.get(section.name, {})
        if not isinstance(values, Mapping):
            raise ValueError(f"{section.name} must hold `key: value` lines; got {values!r:.60}")
        for key, value in values.items():
            name = section.flat_name(key)
            homes = sections_of(name)
            if homes and section.name not in homes:
                raise ValueError(f"{key} stands in {section.name} and belongs in {' or '.join(homes)}")
            flat[name] = value
    return flat


def with_changes(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Flat settings with changes.

    Where these choose another machine or optimiser, what belonged to the old one alone is left out; so are the old
    clipping's bounds where they clip in another way, and a bias for a move that they take away. The changes themselves
    are all kept, so that one that does not belong is refused later.
    """
    merged = {**base, **changes}
    names = Choice.of(merged).names()
    before = Choice.of(base).names() if "task" in base else []
    idle = set[str]()
    if "clip" in changes and changes["clip"] != base.get("clip", OptimizerSettings.clip):
        idle.update(("clip_at", "clip_floor", "cooldown_clip_floor"))
    offsets = changes.get("shift_offsets")
    if isinstance(offsets, list | tuple) and 1 not in offsets:
        idle.add("write_shift_bias")
    return {
        name: value
        for name, value in merged.items()
        if name in changes or (name not in idle and (name in names or name not in before))
    }


def _section(section: Section, part: type, values: Mapping[str, Any]) -> Any:
    names = field_names(part)
    mine = {name: values[f"{section.prefix}{name}"] for name in names if f"{section.prefix}{name}" in values}
    try:
        return build(part, mine)
    except ValueError as error:
        # A message begins with the field's name; the user knows its flat one.
        prefix = section.prefix if str(error).partition(" ")[0] in names else ""
        raise ValueError(f"{prefix}{error}") from error
