import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuraltape.tasks.draw import (
    check_range,
    draw_lengths,
    place,
    random_bits,
    random_integers,
    random_priorities,
)
from tests.tasks.oracle import check_uniform, seeded


def test_bits_are_fair_and_independent() -> None:
    bits = random_bits(4000, 3, 8, generator=seeded())
    assert bits.dtype == torch.float32
    assert bits.shape == (4000, 3, 8)
    assert set(bits.unique().tolist()) == {0.0, 1.0}
    # 96,000 coins: the standard deviation of the mean is 0.0016, of a neighbour's correlation 0.0033.
    assert abs(float(bits.mean()) - 0.5) < 0.008
    signs = 2 * bits.flatten() - 1
    for distance in (1, 7, 8, 24):
        assert abs(float((signs[distance:] * signs[:-distance]).mean())) < 0.017


@given(st.integers(1, 40), st.integers(1, 5))
def test_bits_come_in_any_shape(first: int, second: int) -> None:
    assert random_bits(first, second, generator=seeded()).shape == (first, second)


def test_integers_are_uniform_with_both_ends() -> None:
    check_uniform(random_integers(3, torch.full((20_000,), 9), generator=seeded()), 3, 9)


def test_integers_follow_their_own_upper_end() -> None:
    high = torch.arange(1000)
    draws = random_integers(0, high, generator=seeded())
    assert draws[0] == 0
    assert bool((draws <= high).all())
    assert bool((draws >= 0).all())


def test_priorities_are_uniform_in_the_open_interval() -> None:
    priorities = random_priorities(200, 500, generator=seeded())
    assert float(priorities.abs().max()) < 1
    assert not (priorities == 0).any()
    # 100,000 draws: standard deviations 0.0018 and 0.0009.
    assert abs(float(priorities.mean())) < 0.01
    assert abs(float(priorities.square().mean()) - 1 / 3) < 0.005
    check_uniform(((priorities + 1) * 5).long().flatten(), 0, 9)


def test_the_most_extreme_draws_are_still_inside(monkeypatch) -> None:
    extremes = torch.tensor([0.0, 0.5 - 2**-24, 0.5, 1 - 2**-24])
    monkeypatch.setattr(torch, "rand", lambda *shape, generator: extremes)
    priorities = random_priorities(4, generator=seeded()).tolist()
    assert priorities == [-1 + 2**-24, -(2**-24), 2**-24, 1 - 2**-24]


def test_given_lengths_are_taken_as_they_are() -> None:
    def draw(given):
        return draw_lengths("lengths", 3, given, smallest=1, low=5, high=5, generator=seeded())

    assert draw(40).tolist() == [40, 40, 40]
    assert draw(torch.tensor([2, 3, 9], dtype=torch.int32)).tolist() == [2, 3, 9]
    assert draw(None).tolist() == [5, 5, 5]
    assert draw(torch.tensor([2, 3, 9], dtype=torch.int32)).dtype == torch.int64


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (0, "lengths must be an integer of at least 2; got 0"),
        (2.5, "lengths must be an integer of at least 2; got 2.5"),
        (True, "got True"),
        (torch.tensor([2, 1, 2]), "lengths must be at least 2; got 1"),
        (torch.tensor([2, 2]), r"shape \(3,\); got torch.int64 of shape \(2,\)"),
        (torch.tensor([2.0, 2.0, 2.0]), "got torch.float32"),
    ],
)
def test_a_length_that_cannot_be_is_an_error(lengths, message) -> None:
    with pytest.raises(ValueError, match=message):
        draw_lengths("lengths", 3, lengths, smallest=2, low=2, high=5, generator=seeded())


@pytest.mark.parametrize("size", [0, -1, 1.0])
def test_a_batch_size_that_cannot_be_is_an_error(size) -> None:
    with pytest.raises(ValueError, match="batch_size must be an integer of at least 1"):
        draw_lengths("lengths", size, None, smallest=1, low=1, high=5, generator=seeded())


def test_a_range_must_not_be_upside_down() -> None:
    with pytest.raises(ValueError, match="low must not exceed high; got 3 and 2"):
        check_range(("low", "high"), 3, 2, least=1)


@given(st.data())
def test_place_lays_vectors_out(data) -> None:
    items, batch, time = (data.draw(st.integers(1, 4)) for _ in range(3))
    vectors = torch.rand(items, batch, 2, generator=seeded())
    index = torch.tensor(data.draw(st.lists(st.integers(0, items - 1), min_size=time * batch, max_size=time * batch)))
    inside = torch.tensor(data.draw(st.lists(st.booleans(), min_size=time * batch, max_size=time * batch)))
    index, inside = index.view(time, batch), inside.view(time, batch)
    # What stands outside must not matter.
    placed = place(vectors, torch.where(inside, index, -7), inside)
    for t in range(time):
        for b in range(batch):
            expected = vectors[index[t, b], b] if inside[t, b] else torch.zeros(2)
            assert torch.equal(placed[t, b], expected)
