"""Checks of the fields of settings: each raises a ValueError that names the field, what was expected and what came."""

from collections.abc import Sequence
from math import inf


def check_positive(settings: object, name: str) -> None:
    """The field must be above 0 (and so not NaN)."""
    value = getattr(settings, name)
    if not 0 < value < inf:
        raise ValueError(f"{name} must be above 0{' and finite' if value > 0 else ''}; got {value}")


def check_range(settings: object, name: str, low: float, below: float | None) -> None:
    """The field must be at least `low`, and below `below` where that is given."""
    value = getattr(settings, name)
    if not low <= value < (inf if below is None else below):
        bound = f" and below {below}" if below is not None else " and finite" if value == inf else ""
        raise ValueError(f"{name} must be at least {low}{bound}; got {value}")


def check_choice(settings: object, name: str, choices: Sequence[str]) -> None:
    """The field must be one of `choices`."""
    value = getattr(settings, name)
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value!r}")


def check_needed(settings: object, names: Sequence[str], needed: bool, condition: str) -> None:
    """The fields must have their defaults unless what they act on is there: `needed` says so, `condition` in words."""
    for name in names:
        value = getattr(settings, name)
        if not needed and value != getattr(type(settings), name):
            raise ValueError(f"{name} has no effect without {condition}; got {value}")
