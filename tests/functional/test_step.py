import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch import Generator, Tensor

from neuraltape.functional import (
    AccessState,
    InterfaceLayout,
    access_step,
    activate,
    address,
    apply_interface,
    split_interface,
)
from tests.functional import oracle
from tests.functional.draws import (
    DTYPES,
    assert_finite_with_gradients,
    assert_matches,
    assert_weighting,
    normal,
    one_hot,
    seeds,
    simplex,
)

# (batch, slots, layout)
MACHINES = [
    (3, 7, InterfaceLayout(2, 3, 5)),
    (1, 1, InterfaceLayout(1, 1, 1, (0,))),
    (2, 4, InterfaceLayout(3, 1, 3, (3, 4, 5, -900))),
    (2, 9, InterfaceLayout(1, 2, 4, (-2, 1))),
]
machines = pytest.mark.parametrize(("batch", "slots", "layout"), MACHINES, ids=str)


def random_state(
    generator: Generator, batch: int, slots: int, layout: InterfaceLayout, dtype: torch.dtype = torch.float64
) -> AccessState:
    return AccessState(
        normal(generator, batch, slots, layout.width, dtype=dtype),
        simplex(generator, batch, layout.read_heads, slots, dtype=dtype),
        simplex(generator, batch, layout.write_heads, slots, dtype=dtype),
        normal(generator, batch, layout.read_heads, layout.width, dtype=dtype),
    )


def fresh_state(batch: int, slots: int, layout: InterfaceLayout, dtype: torch.dtype, fill: float) -> AccessState:
    """A constant memory, every focus on slot 0."""
    return AccessState(
        torch.full((batch, slots, layout.width), fill, dtype=dtype),
        one_hot(batch, layout.read_heads, slots, dtype=dtype),
        one_hot(batch, layout.write_heads, slots, dtype=dtype),
        torch.zeros(batch, layout.read_heads, layout.width, dtype=dtype),
    )


@machines
def test_three_steps_follow_the_paper(batch: int, slots: int, layout: InterfaceLayout, generator: Generator) -> None:
    state = random_state(generator, batch, slots, layout)
    expected = tuple(tensor.numpy() for tensor in state.parts())
    for _ in range(3):
        raw = 2 * normal(generator, batch, layout.size)
        state = access_step(raw, state, layout)
        expected = oracle.step(raw.numpy(), *expected[:3], layout.offsets)
        for tensor, expected_tensor in zip(state.parts(), expected, strict=True):
            # Measured: 1e-15.
            assert_matches(tensor, expected_tensor, 5e-15)


@machines
def test_a_step_has_the_right_gradient(batch: int, slots: int, layout: InterfaceLayout, generator: Generator) -> None:
    del batch
    memory, read_weights, write_weights, reads = random_state(generator, 1, slots, layout).parts()
    inputs = (normal(generator, 1, layout.size), memory, read_weights, write_weights)
    inputs = tuple(tensor.requires_grad_() for tensor in inputs)

    def step(raw: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        return access_step(raw, AccessState(*state, reads), layout).parts()

    # Random projections of the gradient: the whole Jacobian takes seconds.
    assert torch.autograd.gradcheck(step, inputs, fast_mode=True)


def test_read_heads_see_what_was_written_in_the_same_step() -> None:
    layout = InterfaceLayout(1, 1, 2, (0,))
    state = fresh_state(1, 3, layout, torch.float64, 0.0)
    parts = activate(split_interface(torch.zeros(1, layout.size, dtype=torch.float64), layout))
    stored = torch.tensor([[[0.25, -0.5]]], dtype=torch.float64)
    parts = parts._replace(gate=torch.zeros_like(parts.gate), erase=torch.ones_like(parts.erase), add=stored)
    after = apply_interface(parts, state, layout)
    assert torch.equal(after.reads, stored)
    assert torch.equal(after.memory[:, 0], stored[:, 0])


def test_write_heads_address_the_memory_before_the_step(generator: Generator) -> None:
    layout = InterfaceLayout(1, 2, 3)
    state, raw = random_state(generator, 2, 5, layout), normal(generator, 2, layout.size)
    interface = activate(split_interface(raw, layout))
    writer = [part[:, 1:] for part in interface[:5]]
    expected = address(state.memory, state.write_weights, *writer, layout.offsets)
    assert torch.equal(access_step(raw, state, layout).write_weights, expected)


def test_a_step_can_be_taken_with_activated_parameters(generator: Generator) -> None:
    layout = InterfaceLayout(2, 2, 3)
    state, raw = random_state(generator, 2, 5, layout), normal(generator, 2, layout.size)
    activated = apply_interface(activate(split_interface(raw, layout)), state, layout)
    for tensor, other_tensor in zip(activated.parts(), access_step(raw, state, layout).parts(), strict=True):
        assert torch.equal(tensor, other_tensor)


def test_the_given_state_is_left_as_it_was(generator: Generator) -> None:
    layout = InterfaceLayout(1, 1, 3)
    state = random_state(generator, 2, 5, layout)
    before = [tensor.clone() for tensor in state.parts()]
    access_step(normal(generator, 2, layout.size), state, layout)
    for tensor, expected in zip(state.parts(), before, strict=True):
        assert torch.equal(tensor, expected)


def test_sequences_of_a_batch_do_not_touch_each_other(generator: Generator) -> None:
    layout = InterfaceLayout(1, 2, 3)
    state, raw = random_state(generator, 3, 5, layout), normal(generator, 3, layout.size)
    together = access_step(raw, state, layout)
    alone = access_step(raw[1:2], AccessState(*(tensor[1:2] for tensor in state.parts())), layout)
    for tensor, expected in zip(together.parts(), alone.parts(), strict=True):
        # Measured: 0; a matrix product of another size may round otherwise.
        assert_matches(tensor[1:2], expected.numpy(), 1e-15)


@given(seeds, st.sampled_from([0.1, 1.0, 10.0, 1e4]), st.integers(1, 9), st.sampled_from(DTYPES))
def test_weights_stay_weightings_from_step_to_step(seed: int, scale: float, slots: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(seed)
    layout = InterfaceLayout(1, 1, 3)
    state = fresh_state(2, slots, layout, dtype, 1e-6)
    for _ in range(5):
        state = access_step(scale * normal(generator, 2, layout.size, dtype=dtype), state, layout)
        assert_weighting(state.read_weights)
        assert_weighting(state.write_weights)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("slots", [1, 4])
@pytest.mark.parametrize("fill", [0.0, 1e-20, 1e-6])
def test_a_raw_interface_of_1e4_stays_finite(fill: float, slots: int, dtype: torch.dtype, generator: Generator) -> None:
    layout = InterfaceLayout(2, 2, 3)
    state = fresh_state(3, slots, layout, dtype, fill)
    raw = 1e4 * normal(generator, 3, layout.size, dtype=dtype).sign()

    def two_steps(raw: Tensor, *state: Tensor) -> Tensor:
        after = access_step(raw, access_step(raw, AccessState(*state), layout), layout)
        return torch.cat([tensor.flatten(1) for tensor in after.parts()], -1)

    # The reads of the step before are the controller's business: no gradient goes through them here.
    assert_finite_with_gradients(lambda *tensors: two_steps(*tensors, state.reads), raw, *state.parts()[:3])


def test_300_steps_in_a_row_stay_finite_with_gradient(generator: Generator) -> None:
    layout = InterfaceLayout(1, 1, 4)
    state = fresh_state(3, 8, layout, torch.float32, 1e-6)
    # One sequence each: calm, lively, and every parameter at an end of its range.
    scales = torch.tensor([1.0, 10.0, 1e4]).view(1, 3, 1)
    raw = scales * normal(generator, 300, 3, layout.size, dtype=torch.float32)

    def run(raw: Tensor, memory: Tensor) -> Tensor:
        now, reads = state.replace(memory=memory), []
        for step in raw:
            now = access_step(step, now, layout)
            reads.append(now.reads)
        return torch.stack(reads)

    assert_finite_with_gradients(run, raw, state.memory)


def test_detach_keeps_values_and_cuts_the_graph(generator: Generator) -> None:
    layout = InterfaceLayout(1, 1, 3)
    raw = normal(generator, 2, layout.size).requires_grad_()
    state = access_step(raw, random_state(generator, 2, 5, layout), layout)
    for tensor, detached in zip(state.parts(), state.detach().parts(), strict=True):
        assert tensor.requires_grad
        assert not detached.requires_grad
        assert torch.equal(tensor, detached)


def test_a_wrong_size_is_named(generator: Generator) -> None:
    layout = InterfaceLayout(1, 1, 3)
    state = random_state(generator, 2, 5, layout)
    with pytest.raises(ValueError, match=rf"^raw must have {layout.size} columns .* shape is \(2, 3\)$"):
        access_step(torch.zeros(2, 3, dtype=torch.float64), state, layout)


def test_a_wrong_shape_is_caught(generator: Generator) -> None:
    layout = InterfaceLayout(1, 1, 3)
    state, raw = random_state(generator, 2, 5, layout), normal(generator, 2, layout.size)
    with pytest.raises(TypeCheckError):
        access_step(raw[0], state, layout)
    with pytest.raises(TypeCheckError):
        access_step(raw, state.replace(read_weights=state.read_weights[..., :4]), layout)
