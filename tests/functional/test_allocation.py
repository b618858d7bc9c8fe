import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuraltape.functional import allocation, retention, usage
from tests.functional import dnc_oracle as oracle
from tests.functional.draws import (
    assert_finite_with_gradients,
    assert_matches,
    dtypes,
    numbers,
    seeds,
    simplex,
    uniform,
    weightings,
)

SLOTS = 6
ONE = (1, SLOTS)


@given(seeds, st.sampled_from([(1, 1, 1), (2, 1, 5), (3, 4, 7)]))
def test_each_equation_is_that_of_the_paper(seed, sizes):
    batch, heads, slots = sizes
    generator = torch.Generator().manual_seed(seed)
    free, read = uniform(generator, batch, heads), simplex(generator, batch, heads, slots)
    used, written = uniform(generator, batch, slots), uniform(generator, batch, slots)
    kept = retention(free, read)
    expected = np.stack([oracle.retention(*each) for each in zip(free.numpy(), read.numpy(), strict=True)])
    # Measured: 4e-16 for all three.
    assert_matches(kept, expected, 1e-14)
    after = usage(used, written, kept)
    expected = np.stack([oracle.usage(*each) for each in zip(used.numpy(), written.numpy(), expected, strict=True)])
    assert_matches(after, expected, 1e-14)
    assert_matches(allocation(after), np.stack([oracle.allocation(row) for row in expected]), 1e-14)


@given(st.data(), dtypes)
def test_usage_stays_between_0_and_1(data, dtype):
    before, written = data.draw(numbers(ONE, 0, 1, dtype)), data.draw(weightings(ONE, dtype))
    kept = retention(data.draw(numbers((1, 2), 0, 1, dtype)), data.draw(weightings((1, 2, SLOTS), dtype)))
    after = usage(before, written, kept)
    # Measured: sums round to at most 1 + 1e-7 in float32.
    assert ((after >= 0) & (after <= 1 + 3e-7)).all()


@given(st.data(), dtypes)
def test_allocation_is_never_negative_and_sums_to_at_most_1(data, dtype):
    given_out = allocation(data.draw(numbers((3, SLOTS), 0, 1, dtype)))
    assert (given_out >= 0).all()
    assert (given_out.sum(-1) <= 1 + 3e-7).all()


@given(st.data(), dtypes)
def test_the_slot_that_is_used_least_is_offered_most(data, dtype):
    used = data.draw(numbers(ONE, 0, 0.5, dtype))
    least = min(range(SLOTS), key=lambda n: (used[0, n].item(), n))
    given_out = allocation(used)[0]
    assert given_out[least] == given_out.max()
    assert given_out[least] >= 0.5 - 1e-6


def test_of_slots_that_are_used_alike_the_lower_number_is_offered():
    assert allocation(torch.tensor([[0.5, 0.0, 0.5, 0.0]]))[0].tolist() == pytest.approx([0, 1, 0, 0], abs=2e-6)
    assert allocation(torch.zeros(1, 40))[0].argmax() == 0


def test_a_memory_that_is_full_offers_nothing():
    assert allocation(torch.ones(1, 5)).abs().max() < 1e-6


def test_what_was_read_and_freed_can_be_offered_again():
    read = torch.eye(4)[[2]].unsqueeze(0)
    kept = retention(torch.ones(1, 1), read)
    assert kept.tolist() == [[1, 1, 0, 1]]
    assert allocation(usage(torch.ones(1, 4), torch.zeros(1, 4), kept))[0].argmax() == 2
    assert torch.equal(retention(torch.zeros(1, 1), read), torch.ones(1, 4))


def test_gradients_are_those_of_finite_differences(generator):
    free, read = uniform(generator, 2, 3), simplex(generator, 2, 3, 5)
    used, written = uniform(generator, 2, 5), uniform(generator, 2, 5)
    inputs = [each.requires_grad_() for each in (free, read, used, written)]

    def all_three(free, read, used, written):
        return allocation(usage(used, written, retention(free, read)))

    assert torch.autograd.gradcheck(all_three, inputs)
    # The function doesn't cut what the access cuts.
    (slope,) = torch.autograd.grad(all_three(*inputs)[0, 0], [inputs[3]])
    assert slope.count_nonzero() > 0


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("slots", [1, 2, 300])
def test_extremes_have_finite_gradients(value, slots):
    assert_finite_with_gradients(allocation, torch.full((2, slots), value))
