"""Arithmetic of sizes."""


def up(value: int, multiple: int) -> int:
    """The least multiple that is not smaller."""
    return -(-value // multiple) * multiple
