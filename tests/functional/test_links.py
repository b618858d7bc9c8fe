import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuraltape.functional import follow, link, precedence, sharpen_link
from tests.functional import dnc_oracle as oracle
from tests.functional.draws import assert_matches, dtypes, normal, seeds, simplex, uniform, weightings

SLOTS = 5


def written_in_turn(slots, order, dtype=torch.float64):
    """Links and precedence after one whole write into each of these slots."""
    linked, last = torch.zeros(1, slots, slots, dtype=dtype), torch.zeros(1, slots, dtype=dtype)
    for slot in order:
        focus = torch.eye(slots, dtype=dtype)[[slot]]
        linked, last = link(linked, last, focus), precedence(last, focus)
    return linked, last


@given(seeds, st.sampled_from([(1, 1, 1), (2, 1, 5), (3, 4, 7)]))
def test_each_equation_is_that_of_the_paper(seed, sizes):
    batch, heads, slots = sizes
    generator = torch.Generator().manual_seed(seed)
    before, last = uniform(generator, batch, slots, slots) / slots, simplex(generator, batch, slots)
    written, read = simplex(generator, batch, slots) * 0.7, simplex(generator, batch, heads, slots)
    after = link(before, last, written)
    each = zip(before.numpy(), last.numpy(), written.numpy(), strict=True)
    expected = np.stack([oracle.link(*one) for one in each])
    # Measured: 1e-16 for all.
    assert_matches(after, expected, 1e-14)
    each = zip(last.numpy(), written.numpy(), strict=True)
    assert_matches(precedence(last, written), np.stack([oracle.precedence(*one) for one in each]), 1e-14)
    wanted = [oracle.follow(*one) for one in zip(expected, read.numpy(), strict=True)]
    for got, ways in zip(follow(after, read), zip(*wanted, strict=True), strict=True):
        assert_matches(got, np.stack(ways), 1e-14)


@given(st.data(), dtypes)
def test_rows_and_columns_of_the_links_sum_to_at_most_1(data, dtype):
    linked, last = torch.zeros(1, SLOTS, SLOTS, dtype=dtype), torch.zeros(1, SLOTS, dtype=dtype)
    for _ in range(4):
        focus = data.draw(weightings((1, SLOTS), dtype)) * data.draw(st.sampled_from([0.0, 0.3, 1.0]))
        linked, last = link(linked, last, focus), precedence(last, focus)
        # Measured: at most 1 + 2e-7 and at least -1e-7 in float32.
        assert (linked >= -1e-6).all()
        assert (linked.sum(-1) <= 1 + 1e-6).all()
        assert (linked.sum(-2) <= 1 + 1e-6).all()
        assert (linked.diagonal(dim1=-2, dim2=-1) == 0).all()
        assert ((last >= -1e-6) & (last.sum(-1) <= 1 + 1e-6)).all()


@given(st.permutations(range(6)))
def test_following_a_link_forward_and_then_backward_comes_home(order):
    linked, last = written_in_turn(6, order)
    assert last.argmax() == order[-1]
    here = torch.eye(6, dtype=torch.float64).unsqueeze(0)
    backward, forward = follow(linked, here)
    for place, slot in enumerate(order):
        after = forward[0, slot]
        if place == 5:
            # Nothing was written after the last.
            assert after.count_nonzero() == 0
        else:
            assert torch.equal(after, here[0, order[place + 1]])
            assert torch.equal(follow(linked, forward)[0][0, slot], here[0, slot])
        if place == 0:
            assert backward[0, slot].count_nonzero() == 0
        else:
            assert torch.equal(backward[0, slot], here[0, order[place - 1]])


def test_a_slot_that_is_written_again_loses_its_old_links():
    linked, _ = written_in_turn(4, [0, 1, 2, 1])
    assert linked[0].nonzero().tolist() == [[1, 2]]


def test_a_step_that_writes_nothing_changes_nothing(generator):
    linked, last = written_in_turn(4, [3, 1, 2])
    assert torch.equal(link(linked, last, torch.zeros(1, 4, dtype=torch.float64)), linked)
    assert torch.equal(precedence(last, torch.zeros(1, 4, dtype=torch.float64)), last)


def test_gradients_are_those_of_finite_differences(generator):
    before, last = uniform(generator, 2, 4, 4), simplex(generator, 2, 4)
    written, read = simplex(generator, 2, 4), simplex(generator, 2, 3, 4)
    inputs = [each.requires_grad_() for each in (before, last, written, read)]

    def all_of_it(before, last, written, read):
        return *follow(link(before, last, written), read), precedence(last, written)

    assert torch.autograd.gradcheck(all_of_it, inputs)


@given(seeds)
def test_sharpened_links_are_those_of_the_paper(seed):
    generator = torch.Generator().manual_seed(seed)
    followed, sharpness = simplex(generator, 2, 3, 5) * 0.4, 1 + normal(generator, 2, 3).square()
    expected = [oracle.sharpen_link(*one) for one in zip(followed.numpy(), sharpness.numpy(), strict=True)]
    # Measured: 4e-16.
    assert_matches(sharpen_link(followed, sharpness), np.stack(expected), 1e-13)


def test_sharpening_makes_the_largest_larger_and_leaves_nothing_where_nothing_is_linked(generator):
    followed = torch.tensor([[[0.1, 0.3, 0.2], [0.0, 0.0, 0.0]]], dtype=torch.float64)
    sharp = sharpen_link(followed, torch.full((1, 2), 9.0, dtype=torch.float64))
    assert sharp[0, 0].argmax() == 1
    assert sharp[0, 0, 1] > 0.95
    assert sharp[0, 1].count_nonzero() == 0


@pytest.mark.parametrize("largest", [0.0, 1e-45, 1e-30, 1.0])
def test_sharpening_extremes_has_finite_gradients(largest):
    followed = torch.tensor([[[largest, 0.0, largest / 2]]]).requires_grad_()
    sharpness = torch.full((1, 1), 100.0).requires_grad_()
    value = sharpen_link(followed, sharpness)
    slopes = torch.autograd.grad((value * torch.tensor([1.0, 2.0, 3.0])).sum(), [followed, sharpness])
    assert all(each.isfinite().all() for each in (value, *slopes))


def test_the_gradient_of_sharpening_is_that_of_finite_differences(generator):
    followed, sharpness = simplex(generator, 1, 2, 4), 1 + uniform(generator, 1, 2)
    assert torch.autograd.gradcheck(sharpen_link, [followed.requires_grad_(), sharpness.requires_grad_()])
