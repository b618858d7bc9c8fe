"""An operator under vmap, which asks for many of its results at once."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def for_each(operator: Callable[..., list[Tensor]]) -> Callable[..., Any]:
    """The rule of vmap for an operator that gives a list of tensors: one call for each entry."""

    def rule(info: Any, in_dims: tuple[Any, ...], *arguments: Any) -> tuple[list[Tensor], list[int]]:
        each = [operator(*map(_entry(i), arguments, in_dims)) for i in range(info.batch_size)]
        together = [torch.stack(tensors) for tensors in zip(*each, strict=True)]
        return together, [0] * len(together)

    return rule


def _entry(number: int) -> Callable[[Any, Any], Any]:
    def entry(argument: Any, dim: Any) -> Any:
        if isinstance(dim, list | tuple):
            return [entry(*pair) for pair in zip(argument, dim, strict=True)]
        return argument if dim is None else argument.select(dim, number)

    return entry
