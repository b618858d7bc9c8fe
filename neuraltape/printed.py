"""How a record of tensors prints: a large tensor as its kind and shape, so that a record is a few lines. Knows no part.

A record's class says `__repr__ = record_repr`.
"""

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any

# A tensor of more numbers is told by its kind and shape, a tuple or a mapping of more entries by its first ones.
FEW = 8
# Longer texts are cut.
LETTERS = 80


def record_repr(self: Any) -> str:
    """What `repr` gives of a self, a dataclass, a named tuple or a state: its class and each of its fields."""
    fields = getattr(self, "names", None) or getattr(self, "_fields", None)
    if fields is None:
        fields = [name for name, each in getattr(self, "__dataclass_fields__", {}).items() if each.repr]
    return f"{type(self).__qualname__}({', '.join(f'{name}={told(getattr(self, name))}' for name in fields)})"


def told(value: Any) -> str:
    """A field's value in one line."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return tensor_told(value) if prod(value.shape) > FEW else " ".join(repr(value).split())
    if type(value) in (tuple, list):
        inside = _listed(map(told, value[:FEW]), len(value))
        one = "," if type(value) is tuple and len(value) == 1 else ""
        return f"({inside}{one})" if type(value) is tuple else f"[{inside}]"
    if isinstance(value, Mapping):
        first = list(value.items())[:FEW]
        return f"{{{_listed((f'{key!r}: {told(each)}' for key, each in first), len(value))}}}"
    if isinstance(value, str) and len(value) > LETTERS:
        return f"{value[:LETTERS]!r}..."
    return repr(value)


def tensor_told(tensor: Any) -> str:
    """Kind and shape of a tensor or an array, and where it is unless that is the CPU: "float32 (3, 128, 20)"."""
    device = str(getattr(tensor, "device", "cpu"))
    kind = str(tensor.dtype).removeprefix("torch.")
    return f"{kind} {tuple(tensor.shape)}{'' if device == 'cpu' else f' on {device}'}"


def _listed(first: Iterable[str], count: int) -> str:
    return ", ".join([*first, *([f"... {count - FEW} more"] if count > FEW else [])])
