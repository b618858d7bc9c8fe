"""What is checked before any address is taken: the kernels believe their sizes, and would read past a short buffer."""

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor

Shape = tuple[int, ...]
Shapes = tuple[tuple[str, Shape], ...]

# Tensors whose numbers can be taken by their address.
PLAIN = (Tensor, torch.nn.Parameter)
_plain = frozenset(PLAIN)
_look = attrgetter("shape", "dtype", "is_cpu")
# PyTorch's check then wants every size and every distance as it was.
_STILL: dict[str, Any] = {"dynamic_dims_sizes": None, "dynamic_dims_strides": None}


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


class Look:
    """How tensors have to look so that a kernel may take them by their addresses.

    A step of a stream has hardly time for these questions. They are asked once of tensors that look alike: those that
    PyTorch's own check, which torch.compile makes use of, finds to be as others were that passed.

    Args:
        expected: names and shapes.
        dtype: of all of them.
    """

    def __init__(self, expected: Shapes, dtype: torch.dtype) -> None:
        self._wanted = [(torch.Size(shape), dtype, True) for _, shape in expected]
        self._as_before: Callable[..., bool] | None = None

    def addresses(self, tensors: Sequence[Tensor]) -> list[int] | None:
        """Where every tensor lies; None unless all are dense, on the CPU, and of their shapes and this dtype."""
        before = self._as_before
        if before is None or len(tensors) != len(self._wanted) or not before(*tensors):
            if not self._fits(tensors):
                return None
            like = same_look()
            self._as_before = None if like is None else like(*tensors, **_STILL).check
        return list(map(Tensor.data_ptr, tensors))

    def _fits(self, tensors: Sequence[Tensor]) -> bool:
        # One call for each question and not one for each tensor.
        if not _plain.issuperset(map(type, tensors)) or list(map(_look, tensors)) != self._wanted:
            return False
        try:
            return all(map(Tensor.is_contiguous, tensors)) and not any(map(Tensor.is_neg, tensors))
        except RuntimeError:
            # Sparse tensors do not know the question.
            return False


@lru_cache(maxsize=256)
def look(expected: Shapes, dtype: torch.dtype) -> Look:
    """The one for these shapes; it holds no tensor."""
    return Look(expected, dtype)


class _Other(Tensor):
    """A kind of tensor that is not taken by its address."""


@cache
def same_look() -> Callable[..., Any] | None:
    """PyTorch's check of tensors that are like others; None where it is not there or does not see all that matters."""
    try:
        kind = torch._C._dynamo.guards.TensorGuards  # pyright: ignore[reportAttributeAccessIssue]
        like = torch.ones(2, 3, dtype=torch.float32, device="cpu")
        check = kind(like, **_STILL).check
        unlike = (
            like[:1], like[None], like.new_ones(3, 2).t(), like.double(), like.int(), like.to_sparse(),
            torch._neg_view(like),  # pyright: ignore[reportPrivateImportUsage]
            like.to("meta"), like.as_subclass(_Other), None,
        )  # fmt: skip
        seen = check(like.clone()) is True and not any(map(check, unlike))
    except (AttributeError, TypeError, RuntimeError, NotImplementedError):
        return None
    return kind if seen else None


def dense(tensor: Tensor) -> Tensor:
    """The same numbers, one after the other in memory as they stand in the tensor."""
    return tensor.resolve_neg().contiguous()
