"""A record of tensors prints in a few lines."""

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from neuraltape.functional import Stages
from neuraltape.printed import record_repr, told
from neuraltape.tasks import Batch, Copy

PACKAGE = Path(__file__).resolve().parents[1] / "neuraltape"


class Pair(NamedTuple):
    left: Any
    right: Any = None

    __repr__ = record_repr


@dataclass(frozen=True)
class Named:
    tensors: dict[str, torch.Tensor]
    hidden: int = field(default=0, repr=False)

    __repr__ = record_repr


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (torch.zeros(3, 4), "float32 (3, 4)"),
        (torch.zeros(2, 4).int(), "tensor([[0, 0, 0, 0], [0, 0, 0, 0]], dtype=torch.int32)"),
        (torch.zeros(3, 4, device="meta"), "float32 (3, 4) on meta"),
        (np.zeros((3, 4), bool), "bool (3, 4)"),
        ((torch.zeros(9),), "(float32 (9,),)"),
        ([1, "two"], "[1, 'two']"),
        (tuple(range(11)), "(0, 1, 2, 3, 4, 5, 6, 7, ... 3 more)"),
        ({"a": torch.zeros(9), "b": None}, "{'a': float32 (9,), 'b': None}"),
        ("x" * 100, f"{'x' * 80!r}..."),
        (Pair(Named({"n": torch.zeros(10)})), "Pair(left=Named(tensors={'n': float32 (10,)}), right=None)"),
    ],
)
def test_a_value_is_told_in_a_line(value: object, expected: str) -> None:
    assert told(value) == expected


def test_records_of_the_package_print_shapes() -> None:
    batch = Copy(bits=4).at_length(5).sample(9, torch.Generator().manual_seed(0))
    assert repr(batch) == (
        "Batch(inputs=float32 (11, 9, 5), targets=float32 (11, 9, 4), mask=bool (11, 9), lengths=int64 (9,))"
    )
    assert isinstance(batch, Batch)
    assert len(repr(Stages(*[torch.zeros(4, 2, 128)] * 4))) < 160


def holding_tensors() -> dict[str, bool]:
    """Every record of the package with a field of tensors or arrays, by place: whether it says how it prints."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE)
        # What is inside the kernels is never handed out.
        if place.parts[:2] == ("kernels", "cpu"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ClassDef):
                continue
            marks = [ast.unparse(each) for each in (*node.bases, *node.decorator_list)]
            fields = [ast.unparse(each.annotation) for each in node.body if isinstance(each, ast.AnnAssign)]
            if any("NamedTuple" in mark or "dataclass" in mark for mark in marks) and any(
                kind in text for text in fields for kind in ("Tensor", "NDArray", "ndarray")
            ):
                assigned = [ast.unparse(each.targets[0]) for each in node.body if isinstance(each, ast.Assign)]
                methods = [each.name for each in node.body if isinstance(each, ast.FunctionDef)]
                found[f"{place.as_posix()}: {node.name}"] = "__repr__" in (*assigned, *methods)
    return found


def test_every_record_with_tensors_says_how_it_prints() -> None:
    found = holding_tensors()
    assert len(found) > 30
    assert [name for name, printed in found.items() if not printed] == []
