"""Arithmetic of sizes. Knows no Triton."""


def power(value: int) -> int:
    """The least power of two that is not smaller, and at least 2."""
    return max(2, 1 << (value - 1).bit_length())


def up(value: int, multiple: int) -> int:
    """The least multiple that is not smaller."""
    return -(-value // multiple) * multiple
