import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neuraltape.functional import follow, follow_slots, link, precedence, sparse_link, sparse_precedence
from neuraltape.functional.sparse_links import from_lists, keep_largest, to_lists
from tests.functional import dnc_oracle, sam_oracle
from tests.functional.draws import assert_matches, normal, seeds, simplex, uniform

BATCH, HEADS, SLOTS = 2, 3, 6


def some_time(generator, count, steps=7):
    """Links and precedence of heads that have written softly for some time, and the last write."""
    linked = torch.zeros(BATCH, HEADS, SLOTS, SLOTS, dtype=torch.float64)
    last, written = linked[..., 0], linked[..., 0]
    for _ in range(steps):
        written = simplex(generator, BATCH, HEADS, SLOTS) * 0.8
        linked, last = sparse_link(linked, last, written, count), sparse_precedence(last, written, count)
    return linked, last, written


@settings(max_examples=10)
@given(seeds, st.sampled_from([1, 2, 4]))
def test_links_are_those_of_the_paper_of_which_the_largest_are_kept(seed, count):
    generator = torch.Generator().manual_seed(seed)
    linked, last, _ = some_time(generator, count)
    written = simplex(generator, BATCH, HEADS, SLOTS) * 0.7
    for b, h in np.ndindex(BATCH, HEADS):
        before, at, now = linked[b, h].numpy(), last[b, h].numpy(), written[b, h].numpy()
        wanted = sam_oracle.largest_both_ways(dnc_oracle.link(before, at, now), count)
        # Measured: 1e-16 for both.
        assert_matches(sparse_link(linked, last, written, count)[b, h], wanted, 1e-14)
        wanted = sam_oracle.largest(dnc_oracle.precedence(at, now), count)
        assert_matches(sparse_precedence(last, written, count)[b, h], wanted, 1e-14)


def test_no_slot_has_more_links_than_there_is_room_for(generator):
    linked, last, _ = some_time(generator, 2)
    assert (linked > 0).sum(-1).max() == (linked > 0).sum(-2).max() == (last > 0).sum(-1).max() == 2
    assert linked.sum(-1).max() <= 1
    assert linked.sum(-2).max() <= 1


def test_with_room_for_all_they_are_those_of_the_dnc(generator):
    # One head writes, as there; whole writes leave no link that is too small to be kept.
    linked, last = torch.zeros(1, 1, SLOTS, SLOTS), torch.zeros(1, 1, SLOTS)
    dense, dense_last = linked[:, 0], last[:, 0]
    for slot in (3, 0, 5, 1, 0, 4):
        written = torch.eye(SLOTS)[slot].view(1, 1, SLOTS) * 0.75
        linked, last = sparse_link(linked, last, written, SLOTS), sparse_precedence(last, written, SLOTS)
        dense, dense_last = link(dense, dense_last, written[:, 0]), precedence(dense_last, written[:, 0])
        torch.testing.assert_close(linked[:, 0], dense)
        torch.testing.assert_close(last[:, 0], dense_last)
    slots, weights = torch.tensor([[[0, 4]]]), torch.tensor([[[0.25, 0.5]]])
    whole = torch.zeros(1, 1, SLOTS).scatter(-1, slots, weights)
    torch.testing.assert_close(follow_slots(linked, slots, weights), follow(dense, whole))


def test_heads_follow_links_of_their_own_and_the_gradient_goes_to_their_weights(generator):
    linked, *_ = some_time(generator, 2)
    slots = torch.rand(BATCH, HEADS, SLOTS, generator=generator).argsort(-1)[..., :3]
    weights = uniform(generator, BATCH, HEADS, 3).requires_grad_()
    backward, forward = follow_slots(linked, slots, weights)
    whole = torch.zeros(BATCH, HEADS, SLOTS).double().scatter(-1, slots, weights.detach())
    for b, h in np.ndindex(BATCH, HEADS):
        wanted = dnc_oracle.follow(linked[b, h].numpy(), whole[b, h : h + 1].numpy())
        assert_matches(backward[b, h : h + 1], wanted[0], 1e-14)
        assert_matches(forward[b, h : h + 1], wanted[1], 1e-14)
    assert torch.autograd.gradcheck(lambda weights: follow_slots(linked, slots, weights), [weights])


def test_a_slot_that_is_written_anew_is_no_longer_where_it_was_in_the_order():
    linked, last = torch.zeros(1, 1, SLOTS, SLOTS), torch.zeros(1, 1, SLOTS)
    for slot in (0, 1, 2, 1):
        written = torch.eye(SLOTS)[slot].view(1, 1, SLOTS)
        linked, last = sparse_link(linked, last, written, 2), sparse_precedence(last, written, 2)
    # What was written after 0 and before 2 is gone; 1 follows 2 now.
    assert linked.nonzero().tolist() == [[0, 0, 1, 2]]
    assert last.nonzero().tolist() == [[0, 0, 1]]


def test_lists_hold_the_largest_and_empty_places_are_0(generator):
    weights = torch.tensor([[0.25, 0.0, 0.5, 1e-6, 0.25]])
    assert to_lists(weights, 2).tolist() == [[[2, 0], [0.5, 0.25]]]
    assert to_lists(weights, 7).tolist() == [[[2, 0, 4, 0, 0, 0, 0], [0.5, 0.25, 0.25, 0, 0, 0, 0]]]
    assert keep_largest(weights, 3).tolist() == [[0.25, 0, 0.5, 0, 0.25]]
    some = normal(generator, 2, 3, 5).abs()
    torch.testing.assert_close(from_lists(to_lists(some, 5), 5), some)
