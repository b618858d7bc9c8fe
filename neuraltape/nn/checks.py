"""Checks of sizes and choices: each raises a ValueError that names the argument, what was expected and what came."""

import math
from collections.abc import Sequence
from typing import Any, Literal


def check_size(name: str, value: Any, *, least: Literal[0, 1] = 1) -> None:
    """Raise ValueError unless `value` is an integer, at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        wanted = "a positive integer" if least else "an integer from 0 on"
        raise ValueError(f"{name} must be {wanted}; got {value!r}")


def check_flag(name: str, value: Any) -> None:
    """Raise ValueError unless `value` is True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False; got {value!r}")


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Raise ValueError unless `value` is one of the choices."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value!r}")


def check_embedding(value: Any) -> None:
    """Raise ValueError unless `value` is None or an integer from 0."""
    if value is not None and (type(value) is not int or value < 0):
        raise ValueError(f"embedding_size must be an integer from 0, or none; got {value!r}")


def check_linear_units(value: Any, hidden_size: int) -> None:
    """Raise ValueError unless this is a number of a layer's units."""
    if type(value) is not int or not 0 <= value <= hidden_size:
        raise ValueError(f"linear_units must be an integer from 0 to hidden_size, {hidden_size}; got {value!r}")


def check_without_linear_units(value: Any, controller: str) -> None:
    """Raise ValueError if a controller is asked for linear units that has none."""
    if value != 0:
        raise ValueError(f"linear_units belongs to the lstm controller; got {value!r} with {controller}")


def check_input_scale(value: Any) -> None:
    """Raise ValueError unless inputs can be multiplied with `value`."""
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"input_scale must be positive and finite; got {value!r}")
