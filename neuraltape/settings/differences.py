"""What decides what a training learns, and how two trainings differ in it."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from neuraltape.settings.fields import CONTENTS, plain
from neuraltape.settings.settings import Settings

# What can differ between two runs without a difference in what they learn, except for the seed, which stands apart.
NO_SETTINGS = ("seed", "report_every", "checkpoint_every", "tensorboard", "timeout")


def settings_of(settings: Settings) -> dict[str, Any]:
    """Everything that decides what a run learns, but for its seed, by flat names."""
    return settings_in(settings.flat())


def settings_in(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The same, of flat settings."""
    return {name: value for name, value in flat.items() if name not in NO_SETTINGS}


def differences(before: Mapping[str, Any], now: Settings, *, apart_from: Iterable[str] = NO_SETTINGS) -> list[str]:
    """What has changed since a run was made, a phrase each; nothing: it would be made the same way today.

    Args:
        before: what it was made with, by flat names.
        now: what it would be made with.
        apart_from: the names of settings that may differ.
    """
    apart = set(apart_from)
    was, is_now = ({name: each for name, each in flat.items() if name not in apart} for flat in (before, now.flat()))
    return compare(was, is_now, defaults_of(now))


def compare(before: Mapping[str, Any], after: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    """What differs between flat settings, a phrase each.

    Args:
        before: the settings of something that was made.
        after: those that it would be made with today.
        defaults: what they are where nobody says otherwise. A setting that did not exist then counts as its default,
            so that a new one does not make old results worthless.
    """
    changes = []
    for name, value in after.items():
        was = before.get(name, defaults.get(name))
        # Who doesn't know what the files held can't say that it was something else.
        if was != value and not (name == CONTENTS and None in (was, value)):
            changes.append(f"{name} was {was}, is {value}")
    return changes + [f"{name} was {value}, is gone" for name, value in before.items() if name not in after]


def defaults_of(settings: Settings) -> dict[str, Any]:
    """Every setting of this task, machine and optimiser as it is where nobody says otherwise, by flat names."""
    choice = settings.choice
    found = {part: {each.name: each.default for each in fields(cls)} for part, cls in choice.parts().items()}
    return {section.flat_name(name): plain(found[section.name][name]) for section, name in choice.fields()}
