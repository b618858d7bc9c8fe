"""What decides what a training learns, and how two trainings differ in it."""

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from neuraltape.settings.settings import TrainConfig

# What can differ between two runs without a difference in what they learn, except for the seed, which stands apart.
NO_SETTINGS = ("seed", "report_every", "checkpoint_every", "tensorboard", "timeout")


def settings_of(config: TrainConfig) -> dict[str, Any]:
    """Everything that decides what a run learns, but for its seed."""
    return settings_in(config.flat())


def settings_in(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The same, of a flat configuration."""
    return {name: value for name, value in flat.items() if name not in NO_SETTINGS}


def differences(before: Mapping[str, Any], now: TrainConfig) -> list[str]:
    """What has changed since a run was made, a phrase each; nothing: it would be made the same way today."""
    return compare(before, settings_of(now), defaults_of(now))


def compare(before: Mapping[str, Any], after: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    """What differs between settings, a phrase each.

    Args:
        before: the settings of something that was made.
        after: those that it would be made with today.
        defaults: what they are where nobody says otherwise. A setting that did not exist then counts as its default,
            so that a new one does not make old results worthless.
    """
    changes = []
    for name, value in after.items():
        was = before.get(name, defaults.get(name))
        if was != value:
            changes.append(f"{name} was {was}, is {value}")
    return changes + [f"{name} was {value}, is gone" for name, value in before.items() if name not in after]


def defaults_of(config: TrainConfig) -> dict[str, Any]:
    """Every setting as it is where nobody says otherwise."""
    every = (each for part in (config.task, config.model, config.optimizer, config.loop) for each in _fields(part))
    plain = {each.name: each.default for each in every if each.init}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}


def _fields(part: Any) -> tuple[Field[Any], ...]:
    # A task is a dataclass, but its base class, which is all that a configuration promises, is none.
    return fields(part)
