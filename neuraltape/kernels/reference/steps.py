"""One step after the other: a loop of Python's, or one that is part of an exported program. Knows no machine."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Step = Callable[[Sequence[Tensor], Sequence[Tensor]], tuple[Sequence[Tensor], Sequence[Tensor]]]


def each_step(step: Step, carried: Sequence[Tensor], seen: Sequence[Tensor]) -> tuple[list[Tensor], Sequence[Tensor]]:
    """Run all steps.

    Where a program is exported whose number of steps is left open, the loop is PyTorch's `scan`, which ONNX has too.

    Args:
        step: (what is carried, what the step sees) -> (what is carried on, what the step gives).
        carried: tensors before the first step; each keeps its shape.
        seen: tensors with the time first: each step sees its own part.

    Returns:
        What the steps gave, (time, ...) each, and what the last one carried on.
    """
    if steps_are_open(seen[0]):
        return _scan(step, carried, seen)
    given: list[Sequence[Tensor]] = []
    for now in zip(*seen, strict=True):
        carried, rows = step(carried, now)
        given.append(rows)
    return [torch.stack(rows) for rows in zip(*given, strict=True)], carried


def steps_are_open(inputs: Tensor) -> bool:
    """Whether a program is exported that has to take any number of steps: a loop of Python's would fix it."""
    if not torch.compiler.is_exporting():
        return False
    from torch.fx.experimental.symbolic_shapes import has_static_value

    return not has_static_value(inputs.shape[0])


def _scan(step: Step, carried: Sequence[Tensor], seen: Sequence[Tensor]) -> tuple[list[Tensor], Sequence[Tensor]]:
    if torch.compiler.is_dynamo_compiling():
        raise ValueError("strict must be False to export plain PyTorch with a number of steps that is left open")
    from torch._higher_order_ops.scan import scan

    def copied(carried: Sequence[Tensor], now: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        after, rows = step(carried, now)
        return [each.clone() for each in after], list(rows)

    # What a step carries on must not be what it was given, nor two parts the same.
    after, given = scan(copied, [each.clone() for each in carried], list(seen), dim=0)
    return list(given), tuple(after)
