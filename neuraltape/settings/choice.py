"""Which settings there are: that depends on the task, the machine and the optimiser."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from neuraltape.nn.machines import MACHINES, Kind
from neuraltape.settings.cooldown import CooldownSettings
from neuraltape.settings.fields import check_keys, field_names
from neuraltape.settings.loop import LoopSettings
from neuraltape.settings.optimizer import OPTIMIZERS, AdamSettings, OptimizerSettings
from neuraltape.settings.practice import NEEDS, PracticeSettings
from neuraltape.tasks import TASKS
from neuraltape.tasks.task import Task

# Every machine that learns a task step by step.
SIZES = ("input_size", "output_size")
TRAINABLE: dict[str, Kind] = {
    name: kind for name, kind in MACHINES.items() if kind.sizes == ("input_size", "output_size")
}


class Section(NamedTuple):
    """One section of the settings."""

    name: str
    """The key in a file."""
    chooser: str | None = None
    """The key in it that says which of several dataclasses it is; its flag is the section's name."""
    prefix: str = ""
    """What stands before its fields' names in flags."""

    def flat_name(self, key: str) -> str:
        """What a key of this section is called among the keys of all sections."""
        return self.name if key == self.chooser else f"{self.prefix}{key}"


SECTIONS = (
    Section("task", chooser="name"),
    Section("model", chooser="machine"),
    Section("optimizer", chooser="name"),
    Section("practice"),
    Section("cooldown", prefix="cooldown_"),
    Section("loop"),
)
DEFAULTS = {"model": "ntm", "optimizer": AdamSettings.name}


class Choice(NamedTuple):
    """Which task, machine and optimiser: what decides which settings there are."""

    task: type[Task]
    kind: Kind
    optimizer: type[OptimizerSettings]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Choice":
        """The choice in flat values. Raises ValueError that lists what there is."""
        chosen = {**DEFAULTS, **{name: values[name] for name in ("task", "model", "optimizer") if name in values}}
        return cls(
            chosen_from("task", chosen.get("task"), TASKS),
            chosen_from("model", chosen["model"], TRAINABLE),
            chosen_from("optimizer", chosen["optimizer"], OPTIMIZERS),
        )

    def parts(self) -> dict[str, type]:
        """The dataclass of each section."""
        fixed = {"practice": PracticeSettings, "cooldown": CooldownSettings, "loop": LoopSettings}
        return {"task": self.task, "model": self.kind.config, "optimizer": self.optimizer, **fixed}

    def fields(self) -> Iterator[tuple[Section, str]]:
        """Section and name of every field that means something to this task, machine and optimiser."""
        parts = self.parts()
        for section in SECTIONS:
            for name in field_names(parts[section.name]):
                if name not in NEEDS or getattr(self.kind, NEEDS[name]):
                    yield section, name

    def names(self) -> list[str]:
        """The flat names of all that can be set, those of the choice itself included."""
        names = [section.name for section in SECTIONS if section.chooser]
        return names + [section.flat_name(name) for section, name in self.fields()]

    def check(self, names: Iterable[str], *, unknown: bool = True) -> None:
        """Raise ValueError for the first name that belongs to another machine or optimiser, or is unknown.

        Args:
            names: flat ones.
            unknown: whether those that belong to nothing are refused too.
        """
        names, mine = list(names), self.names()
        for name in names:
            if name not in mine:
                for section, choices in (("model", TRAINABLE), ("optimizer", OPTIMIZERS)):
                    chosen = self.kind.name if section == "model" else self.optimizer.name
                    owners = [each for each in choices if name in self._with(section, each).names()]
                    if owners:
                        raise ValueError(
                            f"{name} is a setting of {section} {' and '.join(owners)}; {section} is {chosen}"
                        )
        if unknown:
            check_keys(names, mine)

    def _with(self, section: str, name: str) -> "Choice":
        return self._replace(kind=TRAINABLE[name]) if section == "model" else self._replace(optimizer=OPTIMIZERS[name])


def chosen_from(name: str, value: object, choices: Mapping[str, Any]) -> Any:
    """What a name stands for. Raises ValueError that lists the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value!r}")
    return choices[value]


def sections_of(name: str) -> list[str]:
    """The sections in which a flat name can stand, whichever task, machine and optimiser it is for."""
    parts: dict[str, list[type]] = {
        "task": list(TASKS.values()),
        "model": [kind.config for kind in TRAINABLE.values()],
        "optimizer": list(OPTIMIZERS.values()),
        "practice": [PracticeSettings],
        "cooldown": [CooldownSettings],
        "loop": [LoopSettings],
    }
    return [
        section.name
        for section in SECTIONS
        if any(name == section.flat_name(each) for part in parts[section.name] for each in field_names(part))
    ]


def able_to(need: str) -> list[str]:
    """The names of the machines that can do something, by its name in the table of machines."""
    return [name for name, kind in TRAINABLE.items() if getattr(kind, need)]
