"""The functions' shapes are checked in all of their tests."""

from collections.abc import Iterator

import jaxtyping
import pytest


@pytest.fixture(autouse=True)
def checked(shape_checks: None) -> None:
    """Whatever a test here calls is checked, unless it asks for `without_shape_checks`."""


@pytest.fixture
def without_shape_checks(checked: None) -> Iterator[None]:
    """Call the code as a user does, without the checks: for errors that the checks would hide."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
