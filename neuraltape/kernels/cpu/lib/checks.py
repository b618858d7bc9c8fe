"""What is checked before any address is taken: the kernels believe their sizes, and would read past a short buffer."""

from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter

import torch
from torch import Tensor

Shape = tuple[int, ...]
Shapes = tuple[tuple[str, Shape], ...]

# Tensors whose numbers can be taken by their address.
PLAIN = (Tensor, torch.nn.Parameter)
_plain = frozenset(PLAIN)
_look = attrgetter("shape", "dtype", "is_cpu")


def check_tensors(tensors: Sequence[Tensor], expected: Shapes, dtype: torch.dtype) -> None:
    """Raise ValueError unless every tensor is a dense one on the CPU, of this dtype and of its shape."""
    if len(tensors) != len(expected):
        raise ValueError(f"this machine takes {len(expected)} tensors here; got {len(tensors)}")
    for tensor, (name, shape) in zip(tensors, expected, strict=True):
        if tensor.shape != shape:
            raise ValueError(f"{name} must have shape {shape}; got {tuple(tensor.shape)}")
        if tensor.dtype != dtype:
            why = " like the weights" if dtype.is_floating_point else ""
            raise ValueError(f"{name} must be {dtype}{why}; got {tensor.dtype}")
        if not tensor.is_cpu or tensor.layout is not torch.strided:
            raise ValueError(f"{name} must be a dense tensor on the CPU; got {tensor.layout} on {tensor.device}")


def dense_addresses(tensors: Sequence[Tensor], expected: Shapes, dtype: torch.dtype) -> list[int] | None:
    """Where every tensor lies; None unless all are dense, on the CPU, and of their shapes and this dtype."""
    # One call for each question and not one for each tensor: a step of a stream has hardly time for these.
    if not _plain.issuperset(map(type, tensors)) or list(map(_look, tensors)) != _looks(expected, dtype):
        return None
    try:
        if not all(map(Tensor.is_contiguous, tensors)) or any(map(Tensor.is_neg, tensors)):
            return None
        return list(map(Tensor.data_ptr, tensors))
    except RuntimeError:
        # Sparse tensors do not know the question.
        return None


@lru_cache(maxsize=256)
def _looks(expected: Shapes, dtype: torch.dtype) -> list[tuple[torch.Size, torch.dtype, bool]]:
    return [(torch.Size(shape), dtype, True) for _, shape in expected]


def dense(tensor: Tensor) -> Tensor:
    """The same numbers, one after the other in memory as they stand in the tensor."""
    return tensor.resolve_neg().contiguous()
