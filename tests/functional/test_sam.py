import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neuraltape.functional import (
    SAMLayout,
    SAMState,
    accessed,
    activate_sam,
    aged,
    least_recent,
    look_up_nearest,
    map_state,
    nearest,
    on_slots,
    sam_step,
    sam_write_weights,
    similarity,
    split_sam,
)
from neuraltape.functional.sam import NEVER
from neuraltape.functional.sparse_links import from_lists
from tests.functional import sam_oracle as oracle
from tests.functional.draws import assert_matches, assert_weighting, normal, seeds, simplex, uniform

# Heads, width, sparse reads, slots.
SIZES = [(1, 1, 1, 1), (2, 5, 3, 7), (3, 4, 2, 24), (1, 6, 4, 20), (4, 3, 4, 5)]
sizes = st.sampled_from(SIZES)


def fresh(layout, batch=2):
    """An empty memory, of which as few rows are kept as can be."""
    heads, count = layout.read_heads, layout.sparse_reads
    zeros = torch.zeros(batch, heads, layout.width, dtype=torch.float64)
    return SAMState(
        zeros.new_zeros(batch, count, layout.width),
        torch.arange(count).expand(batch, heads, count).double(),
        zeros.new_zeros(batch, heads, count),
        zeros.new_full((batch, count), NEVER),
        zeros.new_full((batch,), count),
        zeros.new_zeros(batch, heads, count, 4, layout.sparse_links),
        zeros.new_zeros(batch, heads, 2, layout.sparse_links),
        zeros,
    )


def random_state(generator, layout, batch=2):
    """Some time in a long run: every slot is in use."""
    heads, count, slots = layout.read_heads, layout.sparse_reads, layout.slots
    order = torch.rand(batch, heads, slots, generator=generator).argsort(-1)[..., :count]
    return SAMState(
        normal(generator, batch, slots, layout.width),
        order.double(),
        simplex(generator, batch, heads, count),
        torch.randint(0, 4, (batch, slots), generator=generator).double(),
        torch.full((batch,), slots).double(),
        torch.zeros(batch, heads, slots, 4, layout.sparse_links).double(),
        torch.zeros(batch, heads, 2, layout.sparse_links).double(),
        normal(generator, batch, heads, layout.width),
    )


def oracle_of(state, layout, b):
    whole = state.with_rows(layout.slots)
    ages = whole.age[b].tolist()
    ring = sorted(range(layout.slots), key=lambda i: (-ages[i], i))
    before = on_slots(whole.read_slots.long(), whole.read_weights, whole.age.shape[-1])
    return oracle.Machine(whole.memory[b].numpy(), before[b].numpy(), ring, layout.sparse_reads, layout.sparse_links)


@settings(max_examples=16)
@given(seeds, sizes, st.booleans(), st.sampled_from([0, 1, 3]))
@example(0, (2, 5, 3, 7), True, 3)
def test_steps_are_those_of_the_paper_with_all_slots_and_a_ring(seed, size, empty, links):
    layout, generator = SAMLayout(*size, min(links, size[-1])), torch.Generator().manual_seed(seed)
    state = fresh(layout) if empty else random_state(generator, layout)
    machines = [oracle_of(state, layout, b) for b in range(2)]
    for _ in range(5):
        raw = normal(generator, 2, layout.size) * 2
        parameters = [each.numpy() for each in activate_sam(split_sam(raw, layout)) if each is not None]
        state = sam_step(raw, state, layout)
        wanted = [machine.step(*(each[b] for each in parameters)) for b, machine in enumerate(machines)]
        # Measured: 3e-15.
        assert_matches(state.reads, np.stack(wanted), 1e-12)
        whole = state.with_rows(layout.slots)
        dense = on_slots(whole.read_slots.long(), whole.read_weights, whole.age.shape[-1])
        assert_matches(dense, np.stack([machine.read for machine in machines]), 1e-12)
        assert_matches(whole.memory, np.stack([machine.memory for machine in machines]), 1e-12)
        order = least_recent(whole.age, layout.slots)
        assert order.tolist() == [machine.ring for machine in machines]
        if links:
            linked = np.stack([machine.linked for machine in machines])
            assert_matches(from_lists(whole.links[..., :2, :], layout.slots), linked, 1e-12)
            assert_matches(from_lists(whole.links[..., 2:, :], layout.slots).transpose(-1, -2), linked, 1e-12)
            last = np.stack([machine.last for machine in machines])
            assert_matches(from_lists(whole.precedence, layout.slots), last, 1e-12)


@settings(max_examples=8)
@given(seeds, sizes, st.booleans())
def test_rows_that_are_not_kept_are_as_they_were(seed, size, links):
    layout, generator = SAMLayout(*size, int(links)), torch.Generator().manual_seed(seed)
    few, all_of_them = fresh(layout), fresh(layout).with_rows(layout.slots)
    for _ in range(5):
        raw = normal(generator, 2, layout.size) * 2
        few, all_of_them = sam_step(raw, few, layout).settled(), sam_step(raw, all_of_them, layout)
        assert few.memory.shape[1] == int(few.used.max()) <= layout.slots
        assert few.used.tolist() == all_of_them.used.tolist()
        # Products of other sizes sum in another order. Measured: 1e-15.
        torch.testing.assert_close(few.with_rows(layout.slots).parts(), all_of_them.parts(), rtol=1e-12, atol=1e-13)


@settings(max_examples=20)
@given(seeds, sizes)
def test_a_head_reads_exactly_so_many_slots_and_writes_to_one_more_at_most(seed, size):
    layout, generator = SAMLayout(*size), torch.Generator().manual_seed(seed)
    state, raw = random_state(generator, layout), normal(generator, 2, layout.size)
    after = sam_step(raw, state, layout)
    dense = on_slots(after.read_slots.long(), after.read_weights, after.age.shape[-1])
    assert ((dense > 0).sum(-1) == layout.sparse_reads).all()
    assert_weighting(dense)
    given_parts = activate_sam(split_sam(raw, layout))
    before = on_slots(state.read_slots.long(), state.read_weights, state.age.shape[-1])
    least = least_recent(state.age, layout.read_heads)
    written = sam_write_weights(before, least, given_parts.write_gate, given_parts.gate)
    assert ((written > 0).sum(-1) <= layout.sparse_reads + 1).all()
    torch.testing.assert_close(written.sum(-1), given_parts.write_gate)
    changed = (after.memory != state.memory).any(-1)
    assert not (changed & ~(written > 0).any(1)).any()


@pytest.mark.parametrize("size", [(2, 3, 2, 6), (1, 4, 3, 5), (2, 3, 2, 6, 2)])
def test_the_gradient_is_that_of_finite_differences(generator, size):
    layout = SAMLayout(*size)
    state, raw = random_state(generator, layout, 1), normal(generator, 1, layout.size)
    if layout.sparse_links:
        for _ in range(4):
            state = sam_step(normal(generator, 1, layout.size), state, layout)
        # Nothing is written, since no gradient flows through the links: the focus leads to where they are.
        raw[:, 3 * 2 + 2 : 3 * 2 + 4] = -800
        assert state.links[..., 1, :].count_nonzero() > 0

    def step(raw, memory, read_weights):
        after = sam_step(raw, state.replace(memory=memory, read_weights=read_weights), layout)
        return after.memory, after.read_weights, after.reads

    leaves = [each.clone().requires_grad_() for each in (raw, state.memory, state.read_weights)]
    assert torch.autograd.gradcheck(step, leaves)
    after = sam_step(leaves[0], state, layout)
    assert not any(part.requires_grad for part in (after.read_slots, after.age, after.used, after.links))


def test_gradients_reach_the_slots_that_are_read_alone(generator):
    layout = SAMLayout(1, 5, 3, 9)
    state, raw = random_state(generator, layout, 1), normal(generator, 1, layout.size)
    # Nothing is written, so that what is read is what was there.
    raw[:, layout.width + 1] = -800
    memory = state.memory.clone().requires_grad_()
    after = sam_step(raw, state.replace(memory=memory, age=torch.full_like(state.age, NEVER)), layout)
    (slope,) = torch.autograd.grad(after.reads.sum(), memory)
    reached = slope[0].abs().sum(-1).nonzero().flatten().tolist()
    # The least recent slot, the first, was cleared.
    assert set(reached) == set(after.read_slots[0, 0].long().tolist()) - {0}


def test_ties_go_to_the_lower_number():
    cosines = torch.tensor([[[0.5, 0.9, 0.5, 0.9 + 1e-9, -1.0, 0.5]]], dtype=torch.float64)
    assert nearest(cosines, 5).tolist() == [[[1, 3, 0, 2, 5]]]
    assert nearest(cosines + 1e-4 * (torch.arange(6) == 3), 2).tolist() == [[[3, 1]]]


def test_rows_that_are_multiples_of_one_another_are_a_tie(generator):
    row, key = normal(generator, 6), normal(generator, 1, 1, 6)
    for dtype in (torch.float32, torch.float64):
        rows = (torch.linspace(0.01, 3, 50).double().unsqueeze(-1) * row).unsqueeze(0).to(dtype)
        match = similarity(rows, key.to(dtype))
        # Rounding alone tells them apart, and by their plain order they would come in another one.
        assert match.unique().numel() > 1
        assert nearest(match, 50).flatten().tolist() == list(range(50))


def test_what_is_no_number_is_read_first():
    cosines = torch.tensor([[[0.5, torch.nan, 0.9]]])
    assert nearest(cosines, 2).tolist() == [[[1, 2]]]
    assert look_up_nearest(cosines, torch.ones(1, 1), nearest(cosines, 2)).isnan().any()


def test_slots_are_given_in_the_order_in_which_they_were_accessed():
    age = torch.tensor([[0.0, 7.0, NEVER, 3.0, NEVER, 7.0]])
    assert least_recent(age, 6).tolist() == [[2, 4, 1, 5, 3, 0]]


def test_an_age_counts_the_steps_and_never_reaches_never():
    age = torch.tensor([[0.0, NEVER - 1, NEVER, NEVER]])
    now = torch.tensor([[False, False, False, True]])
    assert aged(age, now).tolist() == [[1.0, NEVER - 1, NEVER, 0.0]]


def test_what_all_heads_do_at_a_slot_counts_together():
    read = torch.tensor([[[0.002, 0.0, 0.006], [0.0, 0.005, 0.0]]])
    written = torch.tensor([[[0.002, 0.0, 0.0], [0.002, 0.0, 0.0]]])
    assert accessed(read, written).tolist() == [[True, False, True]]


def test_a_write_gate_that_is_shut_writes_nothing_and_still_clears(generator):
    layout = SAMLayout(2, 3, 2, 8)
    state, raw = random_state(generator, layout), normal(generator, 2, layout.size)
    raw[:, 8:10] = -800
    after = sam_step(raw, state, layout)
    least = least_recent(state.age, 2)
    for b in range(2):
        kept = [i for i in range(8) if i not in least[b].tolist()]
        assert torch.equal(after.memory[b, kept], state.memory[b, kept])
        assert after.memory[b, least[b]].count_nonzero() == 0


def test_states_of_other_lengths_are_combined_row_by_row(generator):
    layout = SAMLayout(1, 3, 2, 20)
    short, long = fresh(layout), fresh(layout)
    for _ in range(3):
        long = sam_step(normal(generator, 2, layout.size), long, layout).settled()
    assert long.memory.shape[1] > short.memory.shape[1]
    mixed = long.where(torch.tensor([True, False]), short)
    assert mixed.memory.shape == long.memory.shape
    assert mixed.memory[0].count_nonzero() == 0
    assert (mixed.age[0] == NEVER).all()
    assert torch.equal(mixed.memory[1], long.memory[1])
    assert mixed.rows([0]).settled().memory.shape[1] == 2
    joined = map_state(lambda a, b: torch.cat([a, b]), short, long)
    assert joined.memory.shape == (4, *long.memory.shape[1:])


def test_a_row_is_divided_in_the_order_of_the_table():
    assert SAMLayout(2, 3, 2, 9).size == 6 + 2 + 2 + 2 + 6
    assert split_sam(torch.zeros(1, 18), SAMLayout(2, 3, 2, 9)).modes is None
    layout = SAMLayout(2, 3, 2, 9, 4)
    assert layout.size == 6 + 2 + 2 + 2 + 6 + 6
    assert layout.touched == 4
    raw = torch.arange(layout.size, dtype=torch.float64).unsqueeze(0)
    parts = split_sam(raw, layout)
    assert torch.equal(torch.cat([part.flatten() for part in parts]), raw[0])
    given_parts = activate_sam(split_sam(raw * 0, layout))
    assert given_parts.strength.unique().item() == pytest.approx(np.log(2))
    assert given_parts.gate.unique().item() == given_parts.write_gate.unique().item() == 0.5
    assert given_parts.modes.unique().item() == pytest.approx(1 / 3)


@pytest.mark.usefixtures("without_shape_checks")
def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="raw must have 18 columns"):
        split_sam(torch.zeros(1, 30), SAMLayout(2, 3, 2, 9))
    with pytest.raises(ValueError, match="count must be from 1 to the number of slots, 4; got 5"):
        nearest(torch.zeros(1, 1, 4), 5)
    with pytest.raises(ValueError, match="count must be from 1 to the number of slots, 4; got 0"):
        least_recent(torch.zeros(1, 4), 0)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 5, 4, 9), "read_heads must be a positive integer; got 0"),
        ((1, 2.0, 4, 9), "width must be a positive integer; got 2.0"),
        ((1, 2, True, 9), "sparse_reads must be a positive integer; got True"),
        ((1, 2, 4, 9, -1), "sparse_links must be an integer from 0 on; got -1"),
        ((1, 2, 4, 9, 10), "slots must be at least as many as sparse_links, 10; got 9"),
        ((1, 2, 4, 3), "slots must be at least as many as sparse_reads, 4; got 3"),
        ((5, 2, 1, 3), "slots must be at least as many as read_heads, 5; got 3"),
        ((1, 2, 4, 2**24 + 1), "slots must be at most 16,777,216, whose numbers float32 holds; got 16,777,217"),
    ],
)
def test_a_layout_that_cannot_be_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        SAMLayout(*arguments)


def test_gates_say_where_and_how_much_is_written(generator):
    # The write weights of a shut and of an open gate, between which all others lie.
    before, least = simplex(generator, 1, 2, 5), torch.tensor([[4, 0]])
    one, half = torch.ones(1, 2).double(), uniform(generator, 1, 2)
    assert torch.equal(sam_write_weights(before, least, one, one), before)
    assert sam_write_weights(before, least, half, one * 0).count_nonzero() == 2
