import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Generator

from neuraltape.functional import Interface, InterfaceLayout, activate, split_interface
from tests.functional import oracle
from tests.functional.draws import (
    DTYPES,
    assert_finite_with_gradients,
    assert_matches,
    assert_weighting,
    normal,
)

LAYOUTS = [
    InterfaceLayout(2, 3, 5),
    InterfaceLayout(1, 1, 1, (0,)),
    InterfaceLayout(3, 1, 7, (3, 4, 5, -900)),
]
layouts = pytest.mark.parametrize("layout", LAYOUTS, ids=str)


def places_of_parts(layout: InterfaceLayout) -> Iterator[list[int]]:
    """For every part the places of its numbers in a raw row, counted by hand, one after the other."""
    place = 0
    written = layout.write_heads * layout.width
    for size in (layout.heads * layout.width, layout.heads, layout.heads, layout.heads * len(layout.offsets)):
        yield list(range(place, place + size))
        place += size
    for size in (layout.heads, written, written):
        yield list(range(place, place + size))
        place += size


@layouts
def test_split_takes_every_number_once_and_in_order(layout: InterfaceLayout) -> None:
    raw = torch.arange(2.0 * layout.size).view(2, layout.size)
    parts = split_interface(raw, layout)
    for part, places in zip(parts, places_of_parts(layout), strict=True):
        assert part.flatten(1)[0].tolist() == places
        assert part.flatten(1)[1].tolist() == [layout.size + place for place in places]


@layouts
def test_split_gives_the_shapes_of_the_glossary(layout: InterfaceLayout) -> None:
    parts = split_interface(torch.zeros(6, layout.size), layout)
    heads, writers, width = layout.read_heads + layout.write_heads, layout.write_heads, layout.width
    assert {name: tuple(part.shape) for name, part in parts._asdict().items()} == {
        "key": (6, heads, width),
        "strength": (6, heads),
        "gate": (6, heads),
        "shift": (6, heads, len(layout.offsets)),
        "sharpness": (6, heads),
        "erase": (6, writers, width),
        "add": (6, writers, width),
    }


@layouts
def test_activations_follow_their_definitions(layout: InterfaceLayout, generator: Generator) -> None:
    raw = 3 * normal(generator, 4, layout.size)
    actual = activate(split_interface(raw, layout))
    for b, row in enumerate(raw.numpy()):
        for h in range(layout.heads):
            head = oracle.head_parameters(row, h, layout.heads, layout.width, len(layout.offsets))
            for part, expected in zip(actual[:5], head, strict=True):
                # Measured: 2e-16.
                torch.testing.assert_close(part[b, h], torch.tensor(expected, dtype=torch.float64), atol=2e-15, rtol=0)
        erase, add = oracle.written_vectors(row, layout.write_heads, layout.width)
        # Measured: 1e-16.
        assert_matches(actual.erase[b], erase, 1e-15)
        assert_matches(actual.add[b], add, 1e-15)


def test_activate_and_split_have_the_right_gradient(generator: Generator) -> None:
    layout = InterfaceLayout(1, 2, 2)
    raw = (3 * normal(generator, 2, layout.size)).requires_grad_()
    assert torch.autograd.gradcheck(lambda raw: tuple(activate(split_interface(raw, layout))), (raw,))


def assert_in_range(parts: Interface) -> None:
    assert (parts.key.abs() <= 1).all()
    assert (parts.strength >= 0).all()
    assert ((parts.gate >= 0) & (parts.gate <= 1)).all()
    assert_weighting(parts.shift)
    assert (parts.sharpness >= 1).all()
    assert ((parts.erase >= 0) & (parts.erase <= 1)).all()
    assert (parts.add.abs() <= 1).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [0.0, 1e-20, 1.0, 30.0, 1e4])
def test_activated_parameters_are_finite_and_in_range(scale: float, dtype: torch.dtype, generator: Generator) -> None:
    layout = InterfaceLayout(2, 2, 3)
    raw = scale * normal(generator, 5, layout.size, dtype=dtype).sign()
    assert_in_range(activate(split_interface(raw, layout)))
    for part in range(7):
        assert_finite_with_gradients(lambda raw, part=part: activate(split_interface(raw, layout))[part], raw)


def test_layout_counts_its_numbers() -> None:
    layout = InterfaceLayout(read_heads=2, write_heads=1, width=20)
    # Three heads of key 20, strength, gate, three moves, sharpness; one erase and one add of 20.
    assert layout.heads == 3
    assert layout.size == 3 * (20 + 1 + 1 + 3 + 1) + 2 * 20
    assert sum(layout.sizes) == layout.size


@pytest.mark.parametrize("name", ["read_heads", "write_heads", "width"])
@pytest.mark.parametrize("value", [0, -1, True, 2.0, "2", None, math.nan], ids=repr)
@pytest.mark.usefixtures("without_shape_checks")
def test_layout_refuses_bad_numbers_by_name(name: str, value: Any) -> None:
    arguments: dict[str, Any] = {"read_heads": 1, "write_heads": 1, "width": 1, name: value}
    with pytest.raises(ValueError, match=f"^{name} must be a positive integer; got {value!r}$"):
        InterfaceLayout(**arguments)


@pytest.mark.parametrize("offsets", [(), (1, 1), (0.5,), [0, 1], None], ids=str)
@pytest.mark.usefixtures("without_shape_checks")
def test_layout_refuses_bad_offsets(offsets: Any) -> None:
    with pytest.raises(ValueError, match=r"^offsets must be a tuple of distinct integers"):
        InterfaceLayout(1, 1, 1, offsets)


def test_layout_cannot_be_changed_and_works_as_a_key() -> None:
    layout = InterfaceLayout(1, 1, 4)
    with pytest.raises(AttributeError):
        layout.width = 5
    assert {layout: "found"}[InterfaceLayout(1, 1, 4)] == "found"


@pytest.mark.parametrize("difference", [-1, 1])
def test_split_names_the_size_it_wants_and_the_shape_it_got(difference: int) -> None:
    layout = InterfaceLayout(1, 1, 4)
    expected = f"raw must have {layout.size} columns for {layout}; its shape is (2, {layout.size + difference})"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        split_interface(torch.zeros(2, layout.size + difference), layout)
