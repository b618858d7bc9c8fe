import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuraltape.functional import (
    LRUALayout,
    LRUAState,
    activate_lrua,
    least_used,
    lrua_read_weights,
    lrua_step,
    lrua_write_weights,
    split_lrua,
)
from tests.functional import lrua_oracle as oracle
from tests.functional.draws import (
    assert_finite_with_gradients,
    assert_matches,
    assert_weighting,
    normal,
    seeds,
    simplex,
    uniform,
)

LAYOUT = LRUALayout(2, 5, 0.9)


def random_state(generator, batch=3, slots=7, layout=LAYOUT):
    return LRUAState(
        normal(generator, batch, slots, layout.width),
        simplex(generator, batch, layout.heads, slots),
        uniform(generator, batch, slots),
        normal(generator, batch, layout.heads, layout.width),
    )


@given(seeds, st.sampled_from([(1, 1, 1, 1), (3, 2, 5, 7), (2, 3, 4, 3)]))
def test_a_step_is_that_of_the_paper(seed, sizes):
    batch, heads, width, slots = sizes
    layout, generator = LRUALayout(heads, width, 0.9), torch.Generator().manual_seed(seed)
    state, raw = random_state(generator, batch, slots, layout), normal(generator, batch, layout.size) * 2
    after = lrua_step(raw, state, layout)
    parameters = (each.numpy() for each in activate_lrua(split_lrua(raw, layout)))
    expected = oracle.step(*(each.numpy() for each in state.parts()[:3]), *parameters, decay=0.9)
    # Measured: 2e-15.
    for got, wanted in zip(after.parts(), expected, strict=True):
        assert_matches(got, wanted, 1e-13)


def test_usage_orders_slots_and_equal_ones_by_their_place():
    usage = torch.tensor([[3.0, 1.0, 2.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    assert least_used(usage, 3).tolist() == [[1, 3, 2], [0, 1, 2]]


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("count", [0, 5])
def test_a_count_of_slots_that_are_not_there_is_named(count):
    with pytest.raises(ValueError, match=f"count must be from 1 to the number of slots, 4; got {count}"):
        least_used(torch.zeros(1, 4), count)


def test_writes_go_where_the_gate_says(generator):
    read, least = simplex(generator, 2, 2, 5), torch.tensor([[4, 0], [1, 2]])
    kept = lrua_write_weights(read, least, torch.ones(2, 2, dtype=torch.float64))
    assert torch.equal(kept, read)
    fresh = lrua_write_weights(read, least, torch.zeros(2, 2, dtype=torch.float64))
    assert fresh.argmax(-1).tolist() == least.tolist()
    assert_weighting(fresh)
    assert_weighting(lrua_write_weights(read, least, uniform(generator, 2, 2)))


def test_a_slot_with_a_trace_of_something_is_not_taken_for_it():
    thing = torch.ones(1, 1, 8)
    memory = torch.cat([thing, thing * 1e-3], 1)
    weights = lrua_read_weights(memory, thing, torch.full((1, 1), 12.0))
    assert weights[0, 0, 0] > 0.999


def test_an_empty_memory_and_key_give_the_even_focus_and_finite_gradients():
    memory, key, strength = torch.zeros(1, 4, 3), torch.zeros(1, 2, 3), torch.ones(1, 2)
    assert torch.equal(lrua_read_weights(memory, key, strength), torch.full((1, 2, 4), 0.25))
    assert_finite_with_gradients(lrua_read_weights, memory, key, strength)


def test_the_gradient_is_that_of_finite_differences(generator):
    state, raw = random_state(generator), normal(generator, 3, LAYOUT.size)

    def step(raw, memory, read_weights):
        after = lrua_step(raw, state.replace(memory=memory, read_weights=read_weights), LAYOUT)
        return after.memory, after.read_weights, after.reads

    inputs = [each.requires_grad_() for each in (raw, state.memory.clone(), state.read_weights.clone())]
    assert torch.autograd.gradcheck(step, inputs)


def test_usage_has_no_gradient(generator):
    state = random_state(generator)
    usage = state.usage.clone().requires_grad_()
    assert not lrua_step(normal(generator, 3, LAYOUT.size), state.replace(usage=usage), LAYOUT).usage.requires_grad


def test_a_slot_that_is_read_stays_and_one_that_is_not_is_overwritten(generator):
    layout = LRUALayout(1, 4, 0.9)
    state = random_state(generator, 1, 3, layout).replace(usage=torch.tensor([[0.5, 0.6, 0.7]], dtype=torch.float64))
    # The key is what lies in slot 0, with a great strength, so that slot is read now and in use afterwards.
    raw = torch.cat([state.memory[0, 0].clamp(-0.9, 0.9).atanh(), torch.tensor([50.0, -50.0]), torch.ones(4)])
    after = lrua_step(raw.double().unsqueeze(0), state, layout)
    assert after.usage.argmin() == 1
    assert np.allclose(after.memory[0, 0].numpy(), np.tanh(1.0))


@pytest.mark.usefixtures("without_shape_checks")
def test_a_row_of_the_wrong_size_is_named():
    with pytest.raises(ValueError, match="raw must have 24 columns"):
        split_lrua(torch.zeros(1, 23), LAYOUT)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 5), "heads must be a positive integer; got 0"),
        ((1, 2.0), "width must be a positive integer; got 2.0"),
        ((1, 2, 1.5), "usage_decay must be from 0 to 1; got 1.5"),
    ],
)
def test_a_layout_that_cannot_be_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        LRUALayout(*arguments)
