import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch import Generator, Tensor

from neuraltape.functional import address, content_weights, interpolate, sharpen, shift
from neuraltape.functional.addressing import SMALLEST_NORM, check_offsets
from tests.functional import oracle
from tests.functional.draws import (
    DTYPES,
    assert_finite_with_gradients,
    assert_matches,
    assert_weighting,
    dtypes,
    normal,
    numbers,
    one_hot,
    seeds,
    simplex,
    uniform,
    weightings,
)

# (batch, heads, slots, width): odd and unequal, then the smallest.
SIZES = [(3, 2, 7, 5), (2, 3, 4, 11), (1, 1, 1, 1), (5, 1, 129, 3)]
OFFSETS = [(-1, 0, 1), (1, 0, -1), (0,), (3, 4, 5), (-2,), (7, -9, 200, 0), (-1000, 1000)]
both_dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=str)
sizes = pytest.mark.parametrize("size", SIZES, ids=str)
every_offsets = pytest.mark.parametrize("offsets", OFFSETS, ids=str)


def parameters(
    generator: Generator, size: tuple[int, int, int, int], offsets: int, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, ...]:
    """memory, previous, key, strength, gate, shift and sharpness, as `address` takes them."""
    batch, heads, slots, width = size
    return (
        normal(generator, batch, slots, width, dtype=dtype),
        simplex(generator, batch, heads, slots, dtype=dtype),
        normal(generator, batch, heads, width, dtype=dtype),
        5 * uniform(generator, batch, heads, dtype=dtype),
        uniform(generator, batch, heads, dtype=dtype),
        simplex(generator, batch, heads, offsets, dtype=dtype),
        1 + 3 * uniform(generator, batch, heads, dtype=dtype),
    )


# Content match, equations 5 and 6.


@sizes
def test_content_weights_follow_the_paper(size: tuple[int, int, int, int], generator: Generator) -> None:
    memory, _, key, strength, *_ = parameters(generator, size, 1)
    expected = oracle.content_weights(memory.numpy(), key.numpy(), strength.numpy())
    # Measured: 2e-16.
    assert_matches(content_weights(memory, key, strength), expected, 1e-15)


def test_content_weights_have_the_right_gradient(generator: Generator) -> None:
    memory, _, key, strength, *_ = parameters(generator, (2, 2, 5, 3), 1)
    inputs = tuple(tensor.requires_grad_() for tensor in (memory, key, strength))
    assert torch.autograd.gradcheck(content_weights, inputs)


@given(st.data(), dtypes, st.integers(1, 9), st.integers(1, 5))
def test_content_weights_are_a_weighting(data: st.DataObject, dtype: torch.dtype, slots: int, width: int) -> None:
    memory = data.draw(numbers((2, slots, width), -100, 100, dtype))
    key = data.draw(numbers((2, 2, width), -1, 1, dtype))
    strength = data.draw(numbers((2, 2), 0, 1e4, dtype))
    assert_weighting(content_weights(memory, key, strength))


@given(st.data(), dtypes, st.integers(1, 9))
def test_strength_0_gives_uniform_content_weights(data: st.DataObject, dtype: torch.dtype, slots: int) -> None:
    memory = data.draw(numbers((2, slots, 3), -100, 100, dtype))
    key = data.draw(numbers((2, 2, 3), -1, 1, dtype))
    weights = content_weights(memory, key, torch.zeros(2, 2, dtype=dtype))
    assert (weights == weights[0, 0, 0]).all()
    assert_weighting(weights)


def test_high_strength_finds_the_slot_that_holds_the_key(generator: Generator) -> None:
    memory = normal(generator, 1, 9, 5)
    weights = content_weights(memory, 3 * memory[:, 4:5], torch.full((1, 1), 1e4, dtype=torch.float64))
    assert torch.equal(weights, one_hot(1, 1, 9, at=4))


@both_dtypes
def test_rows_of_1e_6_keep_their_direction(dtype: torch.dtype, generator: Generator) -> None:
    memory, key = 1e-6 * normal(generator, 2, 5, 3, dtype=dtype), normal(generator, 2, 1, 3, dtype=dtype)
    strength = torch.full((2, 1), 4.0, dtype=dtype)
    expected = oracle.content_weights(*(tensor.double().numpy() for tensor in (memory, key, strength)))
    # Measured: 7e-8 and 1e-16.
    assert_matches(content_weights(memory, key, strength), expected, 3e-7 if dtype == torch.float32 else 1e-15)


@both_dtypes
@pytest.mark.parametrize("scale", [0.0, 1e-40, 1e-20, 1e-13])
def test_a_row_below_the_smallest_norm_resembles_nothing(
    scale: float, dtype: torch.dtype, generator: Generator
) -> None:
    memory, key = normal(generator, 1, 3, 4, dtype=dtype), normal(generator, 1, 1, 4, dtype=dtype)
    memory[:, 1] = 0.5 * scale
    memory.requires_grad_()
    assert memory[0, 1].detach().double().norm() < SMALLEST_NORM
    weights = content_weights(memory, key, torch.ones(1, 1, dtype=dtype))
    zeroed = memory.detach().clone()
    zeroed[:, 1] = 0
    assert torch.equal(weights, content_weights(zeroed, key, torch.ones(1, 1, dtype=dtype)))
    weights[0, 0, 0].backward()
    assert memory.grad is not None
    assert (memory.grad[0, 1] == 0).all()
    assert (memory.grad[0, 0] != 0).any()


# Interpolation, equation 7.


@sizes
def test_interpolate_follows_the_paper(size: tuple[int, int, int, int], generator: Generator) -> None:
    _, previous, _, _, gate, *_ = parameters(generator, size, 1)
    content = simplex(generator, *previous.shape)
    expected = oracle.interpolate(content.numpy(), previous.numpy(), gate.numpy())
    # Measured: 0; a fused multiply-add may round otherwise.
    assert_matches(interpolate(content, previous, gate), expected, 5e-16)


def test_interpolate_has_the_right_gradient(generator: Generator) -> None:
    inputs = (simplex(generator, 2, 2, 5), simplex(generator, 2, 2, 5), uniform(generator, 2, 2))
    assert torch.autograd.gradcheck(interpolate, tuple(tensor.requires_grad_() for tensor in inputs))


@given(st.data(), dtypes, st.integers(1, 9))
def test_interpolate_gives_a_weighting(data: st.DataObject, dtype: torch.dtype, slots: int) -> None:
    content, previous = data.draw(weightings((2, 2, slots), dtype)), data.draw(weightings((2, 2, slots), dtype))
    assert_weighting(interpolate(content, previous, data.draw(numbers((2, 2), 0, 1, dtype))))


@given(seeds, dtypes, st.integers(1, 9))
def test_gate_0_keeps_the_old_focus_and_gate_1_takes_the_new(seed: int, dtype: torch.dtype, slots: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    content, previous = simplex(generator, 2, 2, slots, dtype=dtype), simplex(generator, 2, 2, slots, dtype=dtype)
    assert torch.equal(interpolate(content, previous, torch.zeros(2, 2, dtype=dtype)), previous)
    assert torch.equal(interpolate(content, previous, torch.ones(2, 2, dtype=dtype)), content)


# Shift, equation 8.


@sizes
@every_offsets
def test_shift_follows_the_paper(
    size: tuple[int, int, int, int], offsets: tuple[int, ...], generator: Generator
) -> None:
    _, weights, _, _, _, moves, _ = parameters(generator, size, len(offsets))
    expected = oracle.shift(weights.numpy(), moves.numpy(), offsets)
    # Measured: 6e-17.
    assert_matches(shift(weights, moves, offsets), expected, 5e-16)


@every_offsets
def test_shift_has_the_right_gradient(offsets: tuple[int, ...], generator: Generator) -> None:
    inputs = (simplex(generator, 2, 2, 5), simplex(generator, 2, 2, len(offsets)))
    inputs = tuple(tensor.requires_grad_() for tensor in inputs)
    assert torch.autograd.gradcheck(lambda weights, moves: shift(weights, moves, offsets), inputs)


offsets_strategy = st.lists(st.integers(-300, 300), min_size=1, max_size=5, unique=True).map(tuple)


@given(st.data(), dtypes, st.integers(1, 9), offsets_strategy)
def test_shift_gives_a_weighting(data: st.DataObject, dtype: torch.dtype, slots: int, offsets: tuple[int, ...]) -> None:
    weights = data.draw(weightings((2, 2, slots), dtype))
    assert_weighting(shift(weights, data.draw(weightings((2, 2, len(offsets)), dtype)), offsets))


@given(st.data(), dtypes, st.integers(1, 9), offsets_strategy)
def test_a_one_hot_shift_moves_the_focus_exactly(
    data: st.DataObject, dtype: torch.dtype, slots: int, offsets: tuple[int, ...]
) -> None:
    weights = data.draw(weightings((1, 1, slots), dtype))
    k = data.draw(st.integers(0, len(offsets) - 1))
    moved = shift(weights, one_hot(1, 1, len(offsets), at=k, dtype=dtype), offsets)
    for i in range(slots):
        assert moved[0, 0, (i + offsets[k]) % slots] == weights[0, 0, i]


def test_offset_1_moves_the_focus_to_the_next_slot() -> None:
    moved = shift(one_hot(1, 1, 5, at=4), one_hot(1, 1, 3, at=2), (-1, 0, 1))
    assert torch.equal(moved, one_hot(1, 1, 5, at=0))


@given(st.data(), dtypes, st.integers(1, 9))
def test_the_only_offset_0_changes_nothing(data: st.DataObject, dtype: torch.dtype, slots: int) -> None:
    weights = data.draw(weightings((2, 2, slots), dtype))
    assert torch.equal(shift(weights, torch.ones(2, 2, 1, dtype=dtype), (0,)), weights)


# Sharpening, equation 9.


@sizes
def test_sharpen_follows_the_paper(size: tuple[int, int, int, int], generator: Generator) -> None:
    _, weights, *_, sharpness = parameters(generator, size, 1)
    # Measured: 2e-16.
    assert_matches(sharpen(weights, sharpness), oracle.sharpen(weights.numpy(), sharpness.numpy()), 1e-15)


@pytest.mark.parametrize("slots", [5, 128, 1023])
def test_float32_sharpening_at_sharpness_100_matches_float64(slots: int, generator: Generator) -> None:
    spread = (0.1 * normal(generator, 8, 1, slots)).softmax(-1).float()
    spread[0] = 1 / slots
    sharpness = torch.full((8, 1), 100.0)
    expected = oracle.sharpen(spread.double().numpy(), sharpness.double().numpy())
    actual = sharpen(spread, sharpness).double().numpy()
    told = expected > 1e-8
    relative = np.abs(actual - expected)[told] / expected[told]
    # Rounding one number and raising it to the power 100 makes 6e-6. Measured: 5e-6.
    assert relative.max() < 1e-5


def test_sharpen_has_the_right_gradient(generator: Generator) -> None:
    inputs = (simplex(generator, 2, 2, 5).requires_grad_(), (1 + 5 * uniform(generator, 2, 2)).requires_grad_())
    assert torch.autograd.gradcheck(sharpen, inputs)
    assert torch.autograd.gradgradcheck(sharpen, inputs)


def test_float32_gradient_of_sharpening_at_sharpness_100_matches_float64(generator: Generator) -> None:
    weights, ramp = (0.1 * normal(generator, 4, 1, 128)).softmax(-1), normal(generator, 4, 1, 128)
    gradients = []
    for dtype in DTYPES:
        inputs = weights.float().to(dtype).requires_grad_(), torch.full((4, 1), 100.0, dtype=dtype).requires_grad_()
        gradients.append(torch.autograd.grad((sharpen(*inputs) * ramp.float().to(dtype)).sum(), inputs))
    for single, double in zip(*gradients, strict=True):
        # Measured, relative to the largest: 2e-6.
        assert (single - double).abs().max() < 1e-5 * double.abs().max()


@given(st.data(), dtypes, st.integers(1, 9))
def test_sharpen_gives_a_weighting(data: st.DataObject, dtype: torch.dtype, slots: int) -> None:
    weights = data.draw(weightings((2, 2, slots), dtype))
    assert_weighting(sharpen(weights, data.draw(numbers((2, 2), 1, 100, dtype))))


@given(st.data(), dtypes, st.integers(1, 9))
def test_sharpness_1_changes_nothing(data: st.DataObject, dtype: torch.dtype, slots: int) -> None:
    weights = data.draw(weightings((2, 2, slots), dtype))
    # Measured: 6e-8 and 1e-16.
    bound = 3e-7 if dtype == torch.float32 else 5e-16
    assert_matches(sharpen(weights, torch.ones(2, 2, dtype=dtype)), weights.double().numpy(), bound)


@both_dtypes
def test_sharpening_keeps_a_one_hot_focus_exactly(dtype: torch.dtype) -> None:
    focus = one_hot(1, 3, 4, at=2, dtype=dtype)
    assert torch.equal(sharpen(focus, torch.tensor([[1.0, 7.5, 100.0]], dtype=dtype)), focus)


# All four in a row.


@sizes
@every_offsets
def test_address_follows_the_paper_at_every_stage(
    size: tuple[int, int, int, int], offsets: tuple[int, ...], generator: Generator
) -> None:
    inputs = parameters(generator, size, len(offsets))
    expected = oracle.address(*(tensor.numpy() for tensor in inputs), offsets)
    stages = address(*inputs, offsets, stages=True)
    for stage, expected_stage in zip(stages, expected, strict=True):
        # Measured: 3e-16.
        assert_matches(stage, expected_stage, 2e-15)
    assert torch.equal(address(*inputs, offsets), stages.weights)


@every_offsets
def test_address_has_the_right_gradient(offsets: tuple[int, ...], generator: Generator) -> None:
    inputs = tuple(tensor.requires_grad_() for tensor in parameters(generator, (2, 2, 4, 3), len(offsets)))
    assert torch.autograd.gradcheck(lambda *tensors: address(*tensors, offsets), inputs)


@given(seeds, dtypes, st.integers(1, 9), offsets_strategy)
def test_address_gives_a_weighting_at_every_stage(
    seed: int, dtype: torch.dtype, slots: int, offsets: tuple[int, ...]
) -> None:
    inputs = parameters(torch.Generator().manual_seed(seed), (2, 2, slots, 3), len(offsets), dtype)
    for stage in address(*inputs, offsets, stages=True):
        assert_weighting(stage)


# No NaN, in value or gradient.


@both_dtypes
@pytest.mark.parametrize("slots", [1, 4])
@pytest.mark.parametrize("memory_scale", [0.0, 1e-20, 1e-6, 1.0])
@pytest.mark.parametrize("key_scale", [0.0, 1e-20, 1.0])
@pytest.mark.parametrize(("strength", "sharpness"), [(0.0, 1.0), (1e4, 100.0)])
@pytest.mark.parametrize("gate", [0.0, 0.5])
def test_address_stays_finite_at_the_edges(
    slots: int,
    memory_scale: float,
    key_scale: float,
    strength: float,
    sharpness: float,
    gate: float,
    dtype: torch.dtype,
    generator: Generator,
) -> None:
    inputs = (
        memory_scale * normal(generator, 2, slots, 3, dtype=dtype),
        one_hot(2, 2, slots, dtype=dtype),
        key_scale * normal(generator, 2, 2, 3, dtype=dtype),
        torch.full((2, 2), strength, dtype=dtype),
        torch.full((2, 2), gate, dtype=dtype),
        torch.stack([one_hot(2, 3, at=2, dtype=dtype), simplex(generator, 2, 3, dtype=dtype)], 1),
        torch.full((2, 2), sharpness, dtype=dtype),
    )
    assert_finite_with_gradients(lambda *tensors: address(*tensors, (-1, 0, 1)), *inputs)
    assert_weighting(address(*inputs, (-1, 0, 1)))


@given(st.data(), dtypes, st.integers(1, 6))
def test_sharpen_stays_finite_for_any_weighting(data: st.DataObject, dtype: torch.dtype, slots: int) -> None:
    weights, sharpness = data.draw(weightings((1, 2, slots), dtype)), data.draw(numbers((1, 2), 1, 1e4, dtype))
    assert_finite_with_gradients(sharpen, weights, sharpness)


# Errors.


@pytest.mark.parametrize("offsets", [(), (1, 1), (0, 1, 0), (0.5,), (0, "1"), (True,), [0, 1], 3, None], ids=str)
@pytest.mark.usefixtures("without_shape_checks")
def test_bad_offsets_are_refused_by_name(offsets: object) -> None:
    with pytest.raises(ValueError, match=r"^offsets must be a tuple of distinct integers") as error:
        check_offsets(offsets)
    assert str(error.value).endswith(f"got {offsets!r}")
    weights = torch.ones(1, 1, 1)
    with pytest.raises(ValueError, match=r"^offsets must be"):
        shift(weights, weights, offsets)


def test_shift_names_offsets_and_shape_when_they_differ() -> None:
    with pytest.raises(ValueError, match=r"shift must have .* 3 offsets \(-1, 0, 1\).* shape is \(1, 1, 2\)"):
        shift(torch.ones(1, 1, 4), torch.ones(1, 1, 2), (-1, 0, 1))


# The shapes in the signatures are checked while the tests run.


def test_a_wrong_shape_is_caught() -> None:
    with pytest.raises(TypeCheckError):
        content_weights(torch.ones(2, 4, 3), torch.ones(2, 1, 5), torch.ones(2, 1))
    with pytest.raises(TypeCheckError):
        interpolate(torch.ones(2, 1, 4), torch.ones(2, 1, 3), torch.ones(2, 1))
    with pytest.raises(TypeCheckError):
        shift(torch.ones(2, 1, 4), torch.ones(2, 2, 1), (0,))
    with pytest.raises(TypeCheckError):
        sharpen(torch.ones(2, 1, 4), torch.ones(2, 1, 1))
    with pytest.raises(TypeCheckError):
        sharpen(torch.ones(2, 1, 4), torch.ones(2, 1, dtype=torch.int64))
