import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch import Generator

from neuraltape.functional import read, write
from tests.functional import oracle
from tests.functional.draws import (
    DTYPES,
    assert_finite_with_gradients,
    assert_matches,
    dtypes,
    normal,
    numbers,
    one_hot,
    seeds,
    simplex,
    uniform,
)

# (batch, heads, slots, width): odd and unequal, then the smallest.
SIZES = [(3, 2, 7, 5), (2, 3, 4, 11), (1, 1, 1, 1), (5, 1, 33, 3)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_read_follows_the_paper(size: tuple[int, int, int, int], generator: Generator) -> None:
    batch, heads, slots, width = size
    memory, weights = normal(generator, batch, slots, width), simplex(generator, batch, heads, slots)
    # Measured: 0; a matrix product may sum in another order.
    assert_matches(read(memory, weights), oracle.read(memory.numpy(), weights.numpy()), 1e-15)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_write_follows_the_paper(size: tuple[int, int, int, int], generator: Generator) -> None:
    batch, heads, slots, width = size
    memory, weights = normal(generator, batch, slots, width), simplex(generator, batch, heads, slots)
    erase, add = uniform(generator, batch, heads, width), normal(generator, batch, heads, width)
    expected = oracle.write(memory.numpy(), weights.numpy(), erase.numpy(), add.numpy())
    # Measured: 4e-16.
    assert_matches(write(memory, weights, erase, add), expected, 2e-15)


def test_read_has_the_right_gradient(generator: Generator) -> None:
    inputs = (normal(generator, 2, 4, 3).requires_grad_(), simplex(generator, 2, 2, 4).requires_grad_())
    assert torch.autograd.gradcheck(read, inputs)


def test_write_has_the_right_gradient_to_second_order(generator: Generator) -> None:
    erase = uniform(generator, 2, 3, 2)
    # Two heads that erase the same slot completely: a product's gradient by division would fail here.
    weights = simplex(generator, 2, 3, 4)
    erase[:, :2], weights[:, :2] = 1, one_hot(2, 2, 4)
    inputs = (normal(generator, 2, 4, 2), weights, erase, normal(generator, 2, 3, 2))
    inputs = tuple(tensor.requires_grad_() for tensor in inputs)
    assert torch.autograd.gradcheck(write, inputs)
    assert torch.autograd.gradgradcheck(write, inputs)


@given(st.data(), dtypes, st.integers(1, 7), st.integers(1, 5))
def test_erase_1_then_add_stores_exactly(data: st.DataObject, dtype: torch.dtype, slots: int, width: int) -> None:
    memory = data.draw(numbers((1, slots, width), -100, 100, dtype))
    stored = data.draw(numbers((1, 1, width), -1, 1, dtype))
    slot = data.draw(st.integers(0, slots - 1))
    after = write(memory, one_hot(1, 1, slots, at=slot, dtype=dtype), torch.ones(1, 1, width, dtype=dtype), stored)
    expected = memory.clone()
    expected[:, slot] = stored[:, 0]
    assert torch.equal(after, expected)


@given(st.data(), dtypes, st.integers(1, 7), st.integers(1, 5))
def test_read_after_write_with_a_one_hot_focus_returns_what_was_stored(
    data: st.DataObject, dtype: torch.dtype, slots: int, width: int
) -> None:
    memory = data.draw(numbers((1, slots, width), -100, 100, dtype))
    stored = data.draw(numbers((1, 1, width), -1, 1, dtype))
    focus = one_hot(1, 1, slots, at=data.draw(st.integers(0, slots - 1)), dtype=dtype)
    assert torch.equal(read(write(memory, focus, torch.ones_like(stored), stored), focus), stored)


@given(seeds, dtypes, st.integers(2, 4))
def test_the_order_of_write_heads_does_not_matter(seed: int, dtype: torch.dtype, heads: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    memory, weights = normal(generator, 2, 5, 3, dtype=dtype), simplex(generator, 2, heads, 5, dtype=dtype)
    erase, add = uniform(generator, 2, heads, 3, dtype=dtype), normal(generator, 2, heads, 3, dtype=dtype)
    order = torch.randperm(heads, generator=generator)
    expected = write(memory, weights, erase, add).double().numpy()
    # Measured: 4e-7 and 4e-16.
    bound = 2e-6 if dtype == torch.float32 else 2e-15
    assert_matches(write(memory, weights[:, order], erase[:, order], add[:, order]), expected, bound)


def test_all_heads_erase_before_any_adds() -> None:
    focus, nothing = torch.ones(1, 2, 1), torch.zeros(1, 2, 1)
    erase, add = nothing.clone(), nothing.clone()
    erase[:, 1], add[:, 0] = 1, 5
    # The second head wipes the slot; what the first adds in the same step survives.
    assert write(torch.full((1, 1, 1), 3.0), focus, erase, add).item() == 5


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("slots", [1, 4])
@pytest.mark.parametrize("scale", [0.0, 1e-20, 1e-6, 1.0])
def test_memory_stays_finite_at_the_edges(scale: float, slots: int, dtype: torch.dtype, generator: Generator) -> None:
    memory, focus = scale * normal(generator, 2, slots, 3, dtype=dtype), one_hot(2, 2, slots, dtype=dtype)
    erase, add = torch.ones(2, 2, 3, dtype=dtype), normal(generator, 2, 2, 3, dtype=dtype)
    assert_finite_with_gradients(write, memory, focus, erase, add)
    assert_finite_with_gradients(read, memory, focus)


def test_a_wrong_shape_is_caught() -> None:
    with pytest.raises(TypeCheckError):
        read(torch.ones(2, 4, 3), torch.ones(2, 1, 3))
    with pytest.raises(TypeCheckError):
        write(torch.ones(2, 4, 3), torch.ones(2, 1, 4), torch.ones(2, 2, 3), torch.ones(2, 1, 3))
