import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuraltape.functional import (
    DNCLayout,
    DNCState,
    activate_dnc,
    content_weights,
    dnc_interface,
    dnc_step,
    split_dnc,
)
from tests.functional import dnc_oracle as oracle
from tests.functional.draws import assert_finite_with_gradients, assert_matches, normal, seeds, simplex, uniform

SWITCHES = ("links", "masked", "wipe", "sharpen_links", "layer_norm")
KINDS = [
    dict(zip(SWITCHES, values, strict=True))
    for values in itertools.product((False, True), repeat=5)
    if values[0] or not values[3]
]
kinds = st.sampled_from(KINDS)


def random_state(generator, layout, batch=3, slots=7):
    heads, width = layout.read_heads, layout.width
    linked = uniform(generator, batch, slots, slots) / slots
    linked.diagonal(dim1=-2, dim2=-1).zero_()
    return DNCState(
        normal(generator, batch, slots, width),
        simplex(generator, batch, heads, slots),
        simplex(generator, batch, slots),
        uniform(generator, batch, slots),
        linked if layout.links else linked[:, :0, :0],
        simplex(generator, batch, slots) if layout.links else uniform(generator, batch, 0),
        normal(generator, batch, heads, width),
    )


@given(seeds, st.sampled_from([(1, 1, 1, 1), (3, 2, 5, 7), (2, 3, 4, 3)]), kinds)
def test_a_step_is_that_of_the_paper(seed, sizes, kind):
    batch, heads, width, slots = sizes
    layout, generator = DNCLayout(heads, width, **kind), torch.Generator().manual_seed(seed)
    state, raw = random_state(generator, layout, batch, slots), normal(generator, batch, layout.size) * 2
    after = dnc_step(raw, state, layout)
    rows = zip(*(each.numpy() for each in state.parts()), strict=True)
    expected = [oracle.step(raw[b].numpy(), row, heads, **kind) for b, row in enumerate(rows)]
    # Measured: 3e-15.
    for got, wanted in zip(after.parts(), zip(*expected, strict=True), strict=True):
        assert got.shape == np.stack(wanted).shape
        if got.numel():
            assert_matches(got, np.stack(wanted), 1e-12)


@given(seeds)
def test_masked_content_is_that_of_the_paper(seed):
    generator = torch.Generator().manual_seed(seed)
    memory, key = normal(generator, 2, 5, 4), normal(generator, 2, 3, 4)
    strength, mask = uniform(generator, 2, 3) * 9, uniform(generator, 2, 3, 4)
    got = content_weights(memory, key, strength, mask=mask)
    wanted = [
        [
            oracle.content(memory[b].numpy(), key[b, h].numpy(), strength[b, h].item(), mask[b, h].numpy())
            for h in range(3)
        ]
        for b in range(2)
    ]
    # Measured: 6e-16.
    assert_matches(got, np.array(wanted), 1e-13)
    torch.testing.assert_close(
        content_weights(memory, key, strength, mask=torch.ones_like(mask)), content_weights(memory, key, strength)
    )


def test_a_number_whose_mask_is_0_does_not_count(generator):
    memory, key, strength = normal(generator, 1, 5, 4), normal(generator, 1, 1, 4), torch.full((1, 1), 5.0).double()
    mask = torch.tensor([[[1.0, 0.0, 1.0, 0.0]]], dtype=torch.float64)
    other = memory + torch.tensor([0.0, 7.0, 0.0, -3.0])
    torch.testing.assert_close(
        content_weights(memory, key, strength, mask=mask), content_weights(other, key, strength, mask=mask)
    )
    zeros = torch.zeros_like(mask)
    assert_finite_with_gradients(lambda *given: content_weights(*given), memory, key, strength, zeros)


@pytest.mark.parametrize("kind", KINDS[::5] + KINDS[-1:], ids=str)
def test_the_gradient_is_that_of_finite_differences(generator, kind):
    layout = DNCLayout(2, 3, **kind)
    state, raw = random_state(generator, layout, 1, 4), normal(generator, 1, layout.size)

    def step(raw, memory, read_weights, usage, linked, last):
        before = state.replace(memory=memory, read_weights=read_weights, usage=usage, link=linked, precedence=last)
        after = dnc_step(raw, before, layout)
        return [part for part in after.parts() if part.requires_grad]

    given_parts = (raw, state.memory, state.read_weights, state.usage, state.link, state.precedence)
    assert torch.autograd.gradcheck(step, [each.clone().requires_grad_() for each in given_parts])


def test_what_was_written_before_changes_the_usage_without_a_gradient(generator):
    layout = DNCLayout(1, 3)
    state, raw = random_state(generator, layout), normal(generator, 3, layout.size)
    written = state.write_weights.clone().requires_grad_()
    after = dnc_step(raw, state.replace(write_weights=written), layout)
    assert not after.usage.requires_grad
    other = dnc_step(raw, state.replace(write_weights=written.roll(1, -1)), layout)
    assert not torch.equal(after.usage, other.usage)


@pytest.mark.parametrize("wipe", [False, True])
def test_what_is_freed_is_wiped_where_that_is_asked_for(generator, wipe):
    layout = DNCLayout(1, 4, links=False, wipe=wipe)
    state = random_state(generator, layout, 1, 3)
    state = state.replace(read_weights=torch.eye(3, dtype=torch.float64)[[1]].unsqueeze(0))
    raw = torch.zeros(1, layout.size, dtype=torch.float64)
    # The free gate is open, the write gate is shut.
    raw[:, -3], raw[:, -1] = 60, -60
    after = dnc_step(raw, state, layout).memory
    expected = state.memory.clone()
    if wipe:
        expected[:, 1] = 0
    torch.testing.assert_close(after, expected)


def test_a_row_is_divided_in_the_order_of_the_table():
    layout = DNCLayout(2, 3, masked=True, sharpen_links=True)
    assert layout.size == 9 + 9 + 3 + 3 + 3 + 2 + 1 + 1 + 6 + 4
    raw = torch.arange(layout.size, dtype=torch.float64).unsqueeze(0)
    parts = split_dnc(raw, layout)
    assert torch.equal(torch.cat([part.flatten() for part in parts if part is not None]), raw[0])
    assert [tuple(part.shape[1:]) for part in parts if part is not None] == [
        *((3, 3), (3, 3), (3,), (1, 3), (1, 3), (2,), (1,), (1,), (2, 3), (2, 2))
    ]
    given_parts = activate_dnc(split_dnc(raw * 0, layout))
    assert given_parts.mask is not None
    assert given_parts.mask.unique().item() == pytest.approx(0.55)
    assert given_parts.strength.unique().item() == pytest.approx(1 + np.log(2))
    assert given_parts.free.unique().item() == 0.5


def test_layer_norm_takes_the_whole_row(generator):
    layout = DNCLayout(2, 3, layer_norm=True)
    raw = normal(generator, 4, layout.size)
    for got, other in zip(dnc_interface(raw, layout), dnc_interface(raw * 100 + 7, layout), strict=True):
        if got is not None:
            torch.testing.assert_close(got, other, atol=1e-4, rtol=1e-4)


@pytest.mark.usefixtures("without_shape_checks")
def test_a_row_of_the_wrong_size_is_named():
    with pytest.raises(ValueError, match="raw must have 27 columns"):
        split_dnc(torch.zeros(1, 30), DNCLayout(2, 4, links=False))


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((0, 5), {}, "read_heads must be a positive integer; got 0"),
        ((1, 2.0), {}, "width must be a positive integer; got 2.0"),
        ((1, 2), {"wipe": 1}, "wipe must be True or False; got 1"),
        ((1, 2), {"links": False, "sharpen_links": True}, "sharpen_links needs links; got links=False"),
    ],
)
def test_a_layout_that_cannot_be_is_named(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        DNCLayout(*arguments, **options)
